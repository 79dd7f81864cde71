//! Reads a list while the list changes. The server may shorten pages and send a wrong `hasMore`.

use super::cursor::{Cursor, DEFAULT_SIZE, DoesNotAdvance};

/// What the server says in `hasMore`.
#[derive(Clone, Copy, PartialEq)]
enum Says {
    Truth,
    Nothing,
    AlwaysMore,
}

struct Server {
    rows: Vec<u32>,
    cap: usize,
    says: Says,
}

impl Server {
    fn new(rows: u32) -> Self {
        Self { rows: (1..=rows).collect(), cap: 1000, says: Says::Truth }
    }

    fn page(&self, offset: u32, limit: u32) -> (Vec<String>, Option<bool>) {
        let from = (offset as usize).min(self.rows.len());
        let to = (from + (limit as usize).min(self.cap)).min(self.rows.len());
        let more = match self.says {
            Says::Truth => Some(to < self.rows.len()),
            Says::Nothing => None,
            Says::AlwaysMore => Some(true),
        };
        (self.rows[from..to].iter().map(ToString::to_string).collect(), more)
    }
}

/// Reads the list to its end. `between` may change the list before each page after the first.
fn read(
    server: &mut Server,
    size: Option<u32>,
    mut between: impl FnMut(usize, &mut Vec<u32>),
) -> Result<Vec<u32>, DoesNotAdvance> {
    let mut cursor = Cursor::new(0, size, DEFAULT_SIZE);
    let mut rows = Vec::new();
    for page in 0..10_000 {
        if page > 0 {
            between(page, &mut server.rows);
        }
        let (offset, limit) = cursor.request();
        let (ids, more) = server.page(offset, limit);
        let taken = cursor.take(ids.clone(), more)?;
        rows.extend(taken.fresh.iter().map(|index| ids[*index].parse::<u32>().unwrap()));
        if taken.ended {
            return Ok(rows);
        }
    }
    panic!("the list never ended");
}

fn untouched(_: usize, _: &mut Vec<u32>) {}

#[test]
fn every_row_comes_once_whatever_has_more_says_and_however_pages_are_capped() {
    for total in [0, 1, 2, 49, 50, 51, 99, 100, 101, 199, 200, 1234] {
        for cap in [1, 2, 50, 1000] {
            for says in [Says::Truth, Says::Nothing, Says::AlwaysMore] {
                for size in [None, Some(1), Some(2), Some(50), Some(99), Some(500)] {
                    let mut server = Server { cap, says, ..Server::new(total) };
                    // If the server sends one row per page and no `hasMore`, the cursor takes such a page for the end
                    // of the list.
                    if cap == 1 && says == Says::Nothing {
                        continue;
                    }
                    let rows = read(&mut server, size, untouched).expect("the list advances");
                    assert_eq!(
                        rows,
                        (1..=total).collect::<Vec<_>>(),
                        "total {total} cap {cap} size {size:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn rows_deleted_before_the_place_reached_make_no_row_be_skipped() {
    for deleted in 1..=100 {
        for says in [Says::Truth, Says::Nothing] {
            let mut server = Server { says, ..Server::new(1234) };
            let rows = read(&mut server, Some(50), |page, rows| {
                if page == 3 {
                    rows.drain(..deleted);
                }
            })
            .expect("the list advances");
            assert_eq!(rows, (1..=1234).collect::<Vec<_>>(), "{deleted} deleted");
        }
    }
}

#[test]
fn rows_deleted_just_before_the_end_make_no_row_be_skipped() {
    for deleted in 1..=50 {
        let mut server = Server::new(101);
        let rows = read(&mut server, Some(100), |page, rows| {
            if page == 1 {
                rows.drain(..deleted);
            }
        })
        .expect("the list advances");
        assert_eq!(rows, (1..=101).collect::<Vec<_>>(), "{deleted} deleted");
    }
}

#[test]
fn rows_inserted_before_the_place_reached_make_no_row_come_twice() {
    for inserted in 1..=40_u32 {
        let mut server = Server::new(300);
        let rows = read(&mut server, Some(50), |page, rows| {
            if page == 2 {
                for new in 0..inserted {
                    rows.insert(0, 10_000 + new);
                }
            }
        })
        .expect("the list advances");
        let old: Vec<u32> = rows.iter().copied().filter(|row| *row < 10_000).collect();
        assert_eq!(old, (1..=300).collect::<Vec<_>>(), "{inserted} inserted");
    }
}

#[test]
fn the_overlapping_row_itself_may_be_deleted() {
    let mut server = Server::new(300);
    let rows = read(&mut server, Some(50), |page, rows| {
        if page == 1 {
            rows.retain(|row| *row != 50);
        }
    })
    .expect("the list advances");
    assert_eq!(rows, (1..=300).collect::<Vec<_>>());
}

#[test]
fn a_page_that_repeats_the_one_before_is_an_error_and_not_a_loop() {
    let ids: Vec<String> = (1..=10).map(|id| id.to_string()).collect();
    let mut cursor = Cursor::new(0, Some(10), DEFAULT_SIZE);
    cursor.take(ids.clone(), Some(true)).expect("the first page");
    // The server ignores the offset and repeats the page. The cursor accepts a few repeated pages, because rows may
    // have moved. Then `take` fails.
    let mut outcome = Ok(());
    for _ in 0..20 {
        match cursor.take(ids.clone(), Some(true)) {
            Ok(taken) if taken.ended => panic!("it must not pass for the end"),
            Ok(taken) => assert!(taken.fresh.is_empty()),
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    assert_eq!(outcome, Err(DoesNotAdvance));
}

#[test]
fn a_list_that_grows_at_its_head_between_any_two_pages_is_read_to_its_end() {
    let mut server = Server::new(1000);
    let mut next = 10_000;
    let rows = read(&mut server, Some(50), |_, rows| {
        rows.insert(0, next);
        next += 1;
    })
    .expect("the list advances");
    let old: Vec<u32> = rows.iter().copied().filter(|row| *row < 10_000).collect();
    assert_eq!(old, (1..=1000).collect::<Vec<_>>());
}
