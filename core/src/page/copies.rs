//! The rows of a page as canonical JSON.

use std::ops::Range;

use serde::Serialize;

use super::{ReadRow, Row};
use crate::model::{Appended, Mended, Reader, Written, append};

/// Where a row is in [`Copies`].
#[derive(Clone)]
pub(crate) struct CopiedRow {
    text: Range<usize>,
    /// Which of the opaque parts belong to the row.
    opaque: Range<usize>,
}

/// Appends the next row to the copies of a page.
pub(crate) type CopyRow =
    fn(&mut Copies, &mut Reader<'_>, &mut Mended) -> Result<Option<ReadRow<CopiedRow>>, String>;

/// The copies of a page's rows, as a JSON list without its closing bracket. Usually all rows of a page are returned, so
/// they are copied into one text from the start.
#[derive(Default)]
pub(crate) struct Copies {
    json: Written,
    rows: usize,
}

impl Copies {
    /// Returns the list of these rows, which must be in order.
    pub(crate) fn list(mut self, rows: &[CopiedRow]) -> Written {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return b"[]".to_vec().into() };
        if rows.len() == self.rows {
            self.json.text.push(b']');
            return self.json;
        }
        // If a page overlaps the previous page, its new rows usually lie side by side. Then one range holds them all.
        let is_gapless =
            rows.windows(2).all(|two| matches!(two, [one, next] if one.text.end + 1 == next.text.start));
        let all = [CopiedRow {
            text: first.text.start..last.text.end,
            opaque: first.opaque.start..last.opaque.end,
        }];
        let mut joined = Written::from(Vec::with_capacity(last.text.end - first.text.start + 2));
        for row in if is_gapless { &all } else { rows } {
            joined.text.push(if joined.text.is_empty() { b'[' } else { b',' });
            joined.append(&self.json, row.text.clone(), row.opaque.clone());
        }
        joined.text.push(b']');
        joined
    }
}

/// Appends the next row, a `T`, to the copies of a page.
pub(crate) fn copy_row<T: Row + Serialize>(
    copies: &mut Copies,
    from: &mut Reader<'_>,
    mended: &mut Mended,
) -> Result<Option<ReadRow<CopiedRow>>, String> {
    let to = &mut copies.json;
    if to.text.is_empty() {
        // The list is about as long as the answer.
        to.text.reserve(from.length());
    }
    let (before, opaque) = (to.text.len(), to.opaque.len());
    to.text.push(if before == 0 { b'[' } else { b',' });
    let appended = append::<T>(from, mended, to, T::id);
    if !matches!(appended, Ok(Some(_))) {
        to.text.truncate(before);
    }
    let Some(Appended { id, workspace }) = appended? else { return Ok(None) };
    copies.rows += 1;
    let row = CopiedRow { text: before + 1..to.text.len(), opaque: opaque..to.opaque.len() };
    Ok(Some(ReadRow { id, workspace, row }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::read_with;
    use crate::operation::TolerantPage;
    use crate::resources::Sync;

    /// Reads a page into `copies`. Returns its usable rows.
    fn rows(copies: &mut Copies, rows: &Value) -> Vec<CopiedRow> {
        let page = json!({ "data": rows }).to_string();
        let page = read_with(page.as_bytes(), &mut Mended::default(), |from, mended| {
            TolerantPage::read(from, mended, |from, mended| copy_row::<Sync>(copies, from, mended))
        });
        page.unwrap().rows.into_iter().flatten().map(|row| row.row).collect()
    }

    fn sync(id: u32) -> Value {
        json!({ "configuration": {"of": id}, "disabled": false, "id": id, "referencedColumns": [], "slug": "a" })
    }

    /// Asserts that the list is JSON, and that its opaque parts are where they are said to be. Returns the ids of the
    /// rows.
    fn ids(list: &Written) -> Vec<u64> {
        let parsed: Vec<Value> = serde_json::from_slice(&list.text).unwrap();
        let opaque: Vec<Value> = list
            .opaque
            .iter()
            .map(|part| serde_json::from_slice(&list.text[part.clone()]).unwrap())
            .collect();
        let ids: Vec<u64> = parsed.iter().map(|row| row["id"].as_u64().unwrap()).collect();
        let of: Vec<u64> = opaque.iter().filter_map(|part| part["of"].as_u64()).collect();
        assert_eq!(of, ids);
        ids
    }

    #[test]
    fn any_rows_of_a_page_are_the_list_of_these_rows() {
        // The second row must be read as a value, because it spells a number as text. The third row is unusable.
        let page = json!([sync(1), {"id": "2", "slug": "b", "configuration": {"of": 2}}, {"id": 3}, sync(4), sync(5)]);
        for choice in 0..16_u32 {
            let mut copies = Copies::default();
            let rows = rows(&mut copies, &page);
            assert_eq!(rows.len(), 4);
            let chosen = |index: usize| choice & (1 << index) != 0;
            let some: Vec<CopiedRow> = rows
                .into_iter()
                .enumerate()
                .filter(|(index, _)| chosen(*index))
                .map(|(_, row)| row)
                .collect();
            let wanted: Vec<u64> = [1, 2, 4, 5]
                .into_iter()
                .enumerate()
                .filter(|(index, _)| chosen(*index))
                .map(|(_, id)| id)
                .collect();
            assert_eq!(ids(&copies.list(&some)), wanted);
        }
    }

    /// The rows of an earlier answer stay in the text, but not in the list.
    #[test]
    fn a_second_answer_is_not_mixed_with_the_first() {
        let mut copies = Copies::default();
        rows(&mut copies, &json!([sync(1), sync(2)]));
        let rows = rows(&mut copies, &json!([sync(3), sync(4)]));
        assert_eq!(ids(&copies.list(&rows)), [3, 4]);
    }
}
