//! The answers that the document declares for an operation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

/// The shape of an answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shape {
    /// The result of the operation.
    Payload,
    /// An object with only the members `message` and `details`.
    Validation,
    /// An object with only the member `error`.
    Trigger,
    /// The text "Internal Server Error".
    Internal,
    /// `null`.
    Null,
    /// No body.
    Empty,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Payload => "payload",
            Self::Validation => "validation",
            Self::Trigger => "trigger",
            Self::Internal => "internal",
            Self::Null => "null",
            Self::Empty => "empty",
        })
    }
}

impl Shape {
    /// Returns the shape of an answer's body, or `None` if the body is not JSON.
    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        if body.is_empty() {
            return Some(Self::Empty);
        }
        let has = |members: &serde_json::Map<String, Value>, names: &[&str]| {
            members.len() == names.len() && names.iter().all(|name| members.contains_key(*name))
        };
        Some(match serde_json::from_slice(body).ok()? {
            Value::Null => Self::Null,
            Value::String(_) => Self::Internal,
            Value::Object(members) if has(&members, &["error"]) => Self::Trigger,
            Value::Object(members) if has(&members, &["message", "details"]) => Self::Validation,
            _ => Self::Payload,
        })
    }

    fn named(reference: &str) -> Self {
        match reference.rsplit('/').next().unwrap_or_default() {
            "ValidateErrorJSON" => Self::Validation,
            "TriggerErrorResponse" => Self::Trigger,
            "InternalServerError" => Self::Internal,
            _ => Self::Payload,
        }
    }
}

/// The declared answers of one operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Responses {
    /// Error statuses, each with the shape of its body.
    pub(crate) errors: BTreeMap<u16, Shape>,
    /// The shapes, other than the payload, that the document declares under 200.
    pub(crate) under_good: BTreeSet<Shape>,
}

impl Responses {
    pub(super) fn read(declared: Option<&Value>) -> Self {
        let mut responses = Self::default();
        for (status, answer) in super::members(declared) {
            let schema = answer.pointer("/content/application~1json/schema");
            let Ok(status) = status.parse::<u16>() else { continue };
            if status >= 400 {
                let shape = schema.map_or(Shape::Empty, |schema| Shape::named(&super::text(schema, "$ref")));
                responses.errors.insert(status, shape);
            } else if let Some(schema) = schema {
                let variants = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
                let shapes = variants.map(|variant| Shape::named(&super::text(variant, "$ref")));
                responses.under_good.extend(shapes.filter(|shape| *shape != Shape::Payload));
                if schema.get("nullable") == Some(&Value::Bool(true)) {
                    responses.under_good.insert(Shape::Null);
                }
            }
        }
        responses
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::DOCUMENT;

    fn of(id: &str) -> Responses {
        DOCUMENT.operation(id).unwrap().responses().clone()
    }

    #[test]
    fn declared_answers_are_read_with_their_shapes() {
        let campaign = of("TriggerCampaign");
        assert_eq!(
            campaign.errors.into_iter().collect::<Vec<_>>(),
            [
                (400, Shape::Trigger),
                (401, Shape::Empty),
                (404, Shape::Trigger),
                (422, Shape::Validation),
                (429, Shape::Trigger),
                (500, Shape::Internal),
            ]
        );
        assert_eq!(campaign.under_good, BTreeSet::from([Shape::Trigger]));
        let flow = of("RunFlow").under_good;
        assert_eq!(flow, BTreeSet::from([Shape::Validation, Shape::Internal, Shape::Null]));
        assert_eq!(of("DeleteSync").errors.into_keys().collect::<Vec<_>>(), [401, 403, 404]);
    }

    #[test]
    fn all_24_unions_of_the_document_are_found() {
        let unions = DOCUMENT.operations().iter().filter(|one| !one.responses().under_good.is_empty());
        assert_eq!(unions.count(), 24);
    }

    #[test]
    fn bodies_have_their_shapes() {
        for (body, shape) in [
            (r#"{"error": "no"}"#, Some(Shape::Trigger)),
            (r#"{"message": "no", "details": {}}"#, Some(Shape::Validation)),
            (r#""Internal Server Error""#, Some(Shape::Internal)),
            ("null", Some(Shape::Null)),
            ("", Some(Shape::Empty)),
            (r#"{"id": 1, "error": "text"}"#, Some(Shape::Payload)),
            ("<p>", None),
        ] {
            assert_eq!(Shape::of(body.as_bytes()), shape, "{body}");
        }
    }
}
