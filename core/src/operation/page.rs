//! A page as the server gives it: `{"data": [...], "hasMore": ...}`.

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::model::{Mended, Model, Reader, Types};

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
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        let (mut data, mut has_more) = (None, None);
        from.object(mended, |name, from, mended| {
            match name {
                // Paths speak of the list that the caller gets: "3.plannedRows", not "data.3.plannedRows".
                "data" => data = Model::read(from, mended)?,
                "hasMore" => has_more = Model::read(from, mended)?,
                _ => from.skip()?,
            }
            Ok(())
        })?;
        // A page without its list would pass for the end of the list.
        Ok(data.map(|data| Page { data, has_more }))
    }

    fn workspace(&self) -> Option<i64> {
        self.data.first().and_then(T::workspace)
    }

    fn describe(types: &mut Types) -> Value {
        T::describe(types)
    }
}
