//! Names of actors, as tables keep them: two words, and shared rather than copied.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// The name of an actor. Its supervisor's table and its seat have it both, and there may be very many.
#[derive(Clone)]
pub(crate) enum Label {
    Fixed(&'static str),
    /// A thin pointer, which leaves room to tell the two from each other.
    Shared(Arc<Box<str>>),
}

const _: () = assert!(size_of::<Label>() == 16);

impl Label {
    /// For whoever is outside of the tables.
    pub(crate) fn to_cow(&self) -> Cow<'static, str> {
        match self {
            Label::Fixed(name) => Cow::Borrowed(name),
            Label::Shared(name) => Cow::Owned(name.to_string()),
        }
    }
}

impl From<Cow<'static, str>> for Label {
    fn from(name: Cow<'static, str>) -> Self {
        match name {
            Cow::Borrowed(name) => Label::Fixed(name),
            Cow::Owned(name) => Label::Shared(Arc::new(name.into_boxed_str())),
        }
    }
}

impl From<&'static str> for Label {
    fn from(name: &'static str) -> Self {
        Label::Fixed(name)
    }
}

impl From<String> for Label {
    fn from(name: String) -> Self {
        Cow::from(name).into()
    }
}

impl Deref for Label {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match self {
            Label::Fixed(name) => name,
            Label::Shared(name) => name,
        }
    }
}

impl Borrow<str> for Label {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq for Label {
    fn eq(&self, other: &Label) -> bool {
        **self == **other
    }
}

impl Eq for Label {}

impl Hash for Label {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state); // as `Borrow` has it
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
