//! Messages and records: any type of yours that can be hashed and shown.

use perfidy_sim::{Payload, Words};
use std::any::Any;
use std::fmt;
use std::hash::Hash;
use std::rc::Rc;

/// Something that can be said to another agent or written into a journal.
///
/// ```
/// use perfidy::agent::{Body, Message};
///
/// #[derive(Debug, Hash)]
/// enum Say {
///     Assign { step: u32 },
///     Done,
/// }
///
/// impl Message for Say {
///     fn kind(&self) -> &'static str {
///         match self {
///             Self::Assign { .. } => "assign",
///             Self::Done => "done",
///         }
///     }
/// }
///
/// #[derive(Debug, Hash)]
/// struct Other;
///
/// impl Message for Other {
///     fn kind(&self) -> &'static str {
///         "other"
///     }
/// }
///
/// let body = Body::new(Say::Assign { step: 2 });
/// assert!(matches!(body.open::<Say>(), Some(Say::Assign { step: 2 })));
/// assert!(body.open::<Other>().is_none());
/// ```
pub trait Message: Hash + fmt::Debug + 'static {
    /// What kind of message it is, as addresses and stories name it.
    fn kind(&self) -> &'static str;
}

trait Content: fmt::Debug {
    fn as_any(&self) -> &dyn Any;
    fn digest(&self) -> u64;
}

impl<M: Message> Content for M {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn digest(&self) -> u64 {
        Words::digest(|words| words.hash(self))
    }
}

/// A message on its way, or a record in a journal.
#[derive(Clone)]
pub struct Body(Rc<dyn Content>);

impl Body {
    /// Wraps a message.
    pub fn new(message: impl Message) -> Self {
        Self(Rc::new(message))
    }

    /// What it says, if it is a message of this type.
    pub fn open<M: Message>(&self) -> Option<&M> {
        self.0.as_any().downcast_ref()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Payload for Body {
    fn digest(&self) -> u64 {
        self.0.digest()
    }
}
