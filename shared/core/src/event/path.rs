//! The path of a field, built as text only where something is to be said about it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// One step from a parent, on the stack of the walk itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    pub(crate) const fn root(key: &'p str) -> Self {
        Self { parent: None, step: Step::Key(key) }
    }

    pub(crate) const fn key(&'p self, key: &'p str) -> Path<'p> {
        Path { parent: Some(self), step: Step::Key(key) }
    }

    pub(crate) const fn index(&'p self, index: usize) -> Path<'p> {
        Path { parent: Some(self), step: Step::Index(index) }
    }

    fn write(&self, out: &mut String) {
        if let Some(parent) = self.parent {
            parent.write(out);
        }
        match self.step {
            Step::Key(key) => {
                if self.parent.is_some() {
                    out.push('.');
                }
                out.push_str(key);
            }
            // Writing into a String can't fail.
            Step::Index(index) => _ = write!(out, "[{index}]"),
        }
    }
}

impl From<Path<'_>> for Cow<'static, str> {
    fn from(path: Path<'_>) -> Self {
        let mut text = String::new();
        path.write(&mut text);
        Cow::Owned(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_people_write_paths() {
        let root = Path::root("custom_data");
        let contents = root.key("contents");
        let first = contents.index(0);
        assert_eq!(Cow::from(first.key("id")), "custom_data.contents[0].id");
    }
}
