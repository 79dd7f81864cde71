//! Reads JSON text as a tree. Equal values get the same class, so two values are compared by their classes.

use std::collections::HashMap;

use super::{MAX_DEPTH, scan, spelling};

/// Identifies equal values: two values that the same [`Classes`] has read have the same class if and only if they are
/// equal. Numbers are compared by their exact value, strings by their characters, and objects without regard to the
/// order of their members.
pub(super) type Class = u32;

pub(super) struct Tree<'a> {
    pub text: &'a str,
    pub class: Class,
    pub shape: Shape<'a>,
}

pub(super) enum Shape<'a> {
    /// A value that is compared only as a whole: a scalar, a value that nests too deep, or an object with a name that
    /// no path can express. Such a name contains half of a surrogate pair.
    Leaf,
    List(Vec<Tree<'a>>),
    Object(Members<'a>),
}

pub(super) struct Members<'a> {
    /// The members in their order. Of several members with the same name, the last value counts.
    pub all: Vec<Member<'a>>,
    /// For each member, the class (the id of equal values) of its name and that of its value; sorted.
    pub sorted: Vec<(Class, Class)>,
}

pub(super) struct Member<'a> {
    pub name: String,
    pub id: Class,
    pub tree: Tree<'a>,
}

#[derive(PartialEq, Eq, Hash)]
enum Key {
    Word(Box<str>),
    Number(Box<str>),
    Text(Box<[u8]>),
    List(Box<[Class]>),
    Object(Box<[(Class, Class)]>),
}

/// The classes of the values that were read so far.
#[derive(Default)]
pub(super) struct Classes(HashMap<Key, Class>);

impl Classes {
    /// Reads one JSON value as a tree. `text` must be valid JSON.
    pub(super) fn tree<'a>(&mut self, text: &'a str) -> Tree<'a> {
        let mut reader = Reader { text, at: 0, classes: self };
        reader.value(0)
    }

    fn class(&mut self, key: Key) -> Class {
        let next = Class::try_from(self.0.len()).unwrap_or(Class::MAX);
        *self.0.entry(key).or_insert(next)
    }
}

struct Reader<'a, 'c> {
    text: &'a str,
    at: usize,
    classes: &'c mut Classes,
}

impl<'a> Reader<'a, '_> {
    fn value(&mut self, depth: usize) -> Tree<'a> {
        self.skip_blank();
        let start = self.at;
        let bytes = self.text.as_bytes();
        let (key, shape) = match bytes.get(start) {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => {
                self.at = self.end_of_value();
                (Key::Word(self.from(start).into()), Shape::Leaf)
            }
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => {
                let token = self.string();
                (Key::Text(spelling::decoded(token).into()), Shape::Leaf)
            }
            Some(b'-' | b'0'..=b'9') => {
                self.at = self.end_of_value();
                (Key::Number(spelling::number(self.from(start)).into()), Shape::Leaf)
            }
            _ => {
                self.at = self.end_of_value();
                (Key::Word(self.from(start).into()), Shape::Leaf)
            }
        };
        Tree { text: self.from(start), class: self.classes.class(key), shape }
    }

    fn object(&mut self, depth: usize) -> (Key, Shape<'a>) {
        let mut all: Vec<Member<'a>> = Vec::new();
        let mut places: HashMap<Class, usize> = HashMap::new();
        let mut is_unicode = true;
        self.step_into();
        while self.text.as_bytes().get(self.at) == Some(&b'"') {
            let token = self.string();
            let read = spelling::decoded(token);
            let name = str::from_utf8(&read).map(ToOwned::to_owned);
            is_unicode &= name.is_ok();
            let id = self.classes.class(Key::Text(read.into()));
            self.step_into();
            let tree = self.value(depth + 1);
            if let Some(earlier) = places.get(&id).and_then(|place| all.get_mut(*place)) {
                earlier.tree = tree;
            } else {
                places.insert(id, all.len());
                all.push(Member { name: name.unwrap_or_default(), id, tree });
            }
            self.step_on();
        }
        self.at += 1;
        let mut sorted: Vec<_> = all.iter().map(|member| (member.id, member.tree.class)).collect();
        sorted.sort_unstable();
        let key = Key::Object(sorted.clone().into());
        (key, if is_unicode { Shape::Object(Members { all, sorted }) } else { Shape::Leaf })
    }

    fn list(&mut self, depth: usize) -> (Key, Shape<'a>) {
        let mut items = Vec::new();
        self.step_into();
        while !matches!(self.text.as_bytes().get(self.at), Some(b']') | None) {
            items.push(self.value(depth + 1));
            self.step_on();
        }
        self.at += 1;
        (Key::List(items.iter().map(|item| item.class).collect()), Shape::List(items))
    }

    fn skip_blank(&mut self) {
        self.at = scan::blank(self.text.as_bytes(), self.at);
    }

    /// Passes over an opening bracket or a colon.
    fn step_into(&mut self) {
        self.skip_blank();
        self.at += 1;
        self.skip_blank();
    }

    /// Passes over a comma, if there is one.
    fn step_on(&mut self) {
        self.skip_blank();
        if self.text.as_bytes().get(self.at) == Some(&b',') {
            self.step_into();
        }
    }

    fn string(&mut self) -> &'a str {
        let start = self.at;
        self.at = scan::string(self.text.as_bytes(), start).map_or(self.text.len(), |passed| passed.end);
        self.from(start)
    }

    /// Returns the position after the value that begins at the current position. If the text is not JSON, returns the
    /// end of the text, so that every loop ends.
    fn end_of_value(&self) -> usize {
        scan::value(self.text.as_bytes(), self.at).map_or(self.text.len(), |passed| passed.end)
    }

    fn from(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }
}
