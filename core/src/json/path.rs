//! Where a value stands in JSON.

use std::fmt;

use super::show;

/// One step of a [`JsonPath`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JsonStep {
    /// The name of a member of an object. No character in the name has a special meaning.
    Name(String),
    /// The index of an item in a list. The first item has the index 0.
    Index(usize),
}

impl From<&str> for JsonStep {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<String> for JsonStep {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl From<usize> for JsonStep {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The names and indexes that lead to a value, the outermost first. An empty path stands for the whole value.
///
/// A name, an index, a tuple of up to six of them, and a list of steps convert to a path: `"mode"`,
/// `("mappings", 0, "to")`. `Display` writes `mappings[0].to`, and `["a.b"]` for a name with other characters than
/// letters, digits, `_`, `$` and `-`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct JsonPath(Vec<JsonStep>);

impl JsonPath {
    /// The steps, the outermost first.
    #[must_use]
    pub fn steps(&self) -> &[JsonStep] {
        &self.0
    }

    /// Returns the path with `step` added at its end.
    #[must_use]
    pub fn join(mut self, step: impl Into<JsonStep>) -> Self {
        self.0.push(step.into());
        self
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        show::path(to, &self.0)
    }
}

impl From<Vec<JsonStep>> for JsonPath {
    fn from(steps: Vec<JsonStep>) -> Self {
        Self(steps)
    }
}

impl From<&[JsonStep]> for JsonPath {
    fn from(steps: &[JsonStep]) -> Self {
        Self(steps.to_vec())
    }
}

impl From<&JsonPath> for JsonPath {
    fn from(path: &JsonPath) -> Self {
        path.clone()
    }
}

impl From<&str> for JsonPath {
    fn from(name: &str) -> Self {
        Self(vec![name.into()])
    }
}

impl From<String> for JsonPath {
    fn from(name: String) -> Self {
        Self(vec![name.into()])
    }
}

impl From<usize> for JsonPath {
    fn from(index: usize) -> Self {
        Self(vec![index.into()])
    }
}

macro_rules! from_tuples {
    ($(($($step:ident),*))*) => {$(
        impl<$($step: Into<JsonStep>),*> From<($($step,)*)> for JsonPath {
            #[allow(non_snake_case, reason = "a type parameter names its variable too")]
            fn from(($($step,)*): ($($step,)*)) -> Self {
                Self(vec![$($step.into()),*])
            }
        }
    )*};
}

from_tuples! { (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) }
