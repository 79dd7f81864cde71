//! A page as the server gives it: `{"data": [...], "hasMore": ...}`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::model::{Mended, Model, Name, Seed, Types};

/// One page; `has_more` is absent where the server does not say.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub data: Vec<T>,
    pub has_more: Option<bool>,
}

impl<T: Serialize> Serialize for Page<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.data.serialize(to)
    }
}

impl<T: Model> Model for Page<T> {
    fn read<'de, D: Deserializer<'de>>(from: D, mended: &mut Mended) -> Result<Option<Self>, D::Error> {
        struct Members<'a, T>(&'a mut Mended, PhantomData<T>);
        impl<'de, T: Model> Visitor<'de> for Members<'_, T> {
            type Value = Option<Page<T>>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a page")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut data, mut has_more) = (None, None);
                while let Some(name) = map.next_key::<Name<'_>>()? {
                    match name.0.as_ref() {
                        // Paths speak of the list that the caller gets: "3.plannedRows", not "data.3.plannedRows".
                        "data" => data = map.next_value_seed(Seed::<Vec<T>>::new(self.0))?,
                        "hasMore" => has_more = map.next_value_seed(Seed::<bool>::new(self.0))?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                // A page without its list would pass for the end of the list.
                Ok(data.map(|data| Page { data, has_more }))
            }

            unusable!(bool u64 i64 f64 str unit seq);
        }
        from.deserialize_any(Members(mended, PhantomData))
    }

    fn workspace(&self) -> Option<i64> {
        self.data.first().and_then(T::workspace)
    }

    fn describe(types: &mut Types) -> Value {
        T::describe(types)
    }
}
