//! Which literals a variable may hold where an expression casts it (L001).
//!
//! One pass in document order: the arms of a `choose` start alike and are
//! joined behind it, `return-response` ends its path, and a `retry`'s own
//! attributes are read after its body. Further rounds of a `retry` and the ways
//! into on-error are not followed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::tree::DocumentText;

/// A `set-variable` with a literal.
#[derive(Clone)]
pub(super) struct Literal {
    pub(super) document: Arc<DocumentText>,
    /// Of the value, in the scanned text.
    pub(super) place: Range<usize>,
    pub(super) value: String,
}

/// `(int)context.Variables["name"]`.
#[derive(Clone)]
pub(super) struct Cast {
    pub(super) document: Arc<DocumentText>,
    /// In the scanned text.
    pub(super) place: Range<usize>,
    pub(super) kind: String,
    pub(super) name: String,
}

/// A cast some literal of its document reaches.
pub(super) struct Reached {
    pub(super) cast: Cast,
    /// Positions in [`Reach::literals`].
    pub(super) literals: BTreeSet<usize>,
    /// Whether the variable may hold something else, too.
    pub(super) computed: bool,
}

/// What a variable holds that a literal of this document reaches.
#[derive(Clone)]
struct Held {
    literals: BTreeSet<usize>,
    computed: bool,
}

/// By variable; `None` where no path leads.
type Path = Option<Arc<BTreeMap<String, Held>>>;

/// An element whose inside is being compiled.
enum Frame {
    Choose { before: Path, behind: Path, otherwise: bool },
    Arm,
    Retry(Vec<Cast>),
    Return,
    Other,
}

/// The pass; over all documents, one after the other.
pub(super) struct Reach {
    path: Path,
    frames: Vec<Frame>,
    /// All literals so far.
    pub(super) literals: Vec<Literal>,
    /// Casts that a literal of their document reaches.
    pub(super) reached: Vec<Reached>,
    /// Casts of variables that their document does not set before, or computes.
    pub(super) elsewhere: Vec<Cast>,
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            path: Some(Arc::default()),
            frames: Vec::new(),
            literals: Vec::new(),
            reached: Vec::new(),
            elsewhere: Vec::new(),
        }
    }
}

impl Reach {
    /// Another document begins, or another section: some path leads there.
    pub(super) fn start(&mut self, keep: bool) {
        if !keep || self.path.is_none() {
            self.path = Some(Arc::default());
        }
        self.frames.clear();
    }

    /// A policy, or a part of one that holds policies, begins.
    pub(super) fn enter(&mut self, name: &str) {
        let frame = match (name, self.frames.last_mut()) {
            ("when" | "otherwise", Some(Frame::Choose { otherwise, .. })) => {
                *otherwise |= name == "otherwise";
                Frame::Arm
            }
            ("choose", _) => {
                Frame::Choose { before: self.path.clone(), behind: None, otherwise: false }
            }
            ("retry", _) => Frame::Retry(Vec::new()),
            ("return-response", _) => Frame::Return,
            _ => Frame::Other,
        };
        self.frames.push(frame);
    }

    /// It ends.
    pub(super) fn leave(&mut self) {
        match self.frames.pop() {
            Some(Frame::Arm) => {
                if let Some(Frame::Choose { before, behind, .. }) = self.frames.last_mut() {
                    let end = std::mem::replace(&mut self.path, before.clone());
                    *behind = join(behind.take(), end);
                }
            }
            Some(Frame::Choose { before, behind, otherwise }) => {
                self.path = if otherwise { behind } else { join(behind, before) };
            }
            Some(Frame::Retry(casts)) => casts.into_iter().for_each(|cast| self.look(cast)),
            Some(Frame::Return) => self.path = None,
            Some(Frame::Other) | None => {}
        }
    }

    /// A variable set from a literal.
    pub(super) fn literal(&mut self, name: &str, literal: Literal) {
        let at = self.literals.len();
        self.literals.push(literal);
        if let Some(path) = &mut self.path {
            let held = Held { literals: BTreeSet::from([at]), computed: false };
            Arc::make_mut(path).insert(name.to_owned(), held);
        }
    }

    /// A variable set from something else.
    pub(super) fn computed(&mut self, name: &str) {
        if let Some(path) = &mut self.path
            && path.contains_key(name)
        {
            Arc::make_mut(path).remove(name);
        }
    }

    /// A variable that may be set from something else here, or stay as it is.
    pub(super) fn perhaps_computed(&mut self, name: &str) {
        if let Some(path) = &mut self.path
            && path.contains_key(name)
            && let Some(held) = Arc::make_mut(path).get_mut(name)
        {
            held.computed = true;
        }
    }

    /// A cast in an expression.
    pub(super) fn cast(&mut self, cast: Cast) {
        match self.frames.last_mut() {
            Some(Frame::Retry(waiting)) => waiting.push(cast),
            _ => self.look(cast),
        }
    }

    fn look(&mut self, cast: Cast) {
        let Some(path) = &self.path else { return };
        match path.get(&cast.name) {
            None => self.elsewhere.push(cast),
            Some(Held { literals, computed }) => {
                let (literals, computed) = (literals.clone(), *computed);
                self.reached.push(Reached { cast, literals, computed });
            }
        }
    }
}

/// Where two paths meet.
fn join(one: Path, other: Path) -> Path {
    let (mut one, other) = match (one, other) {
        (Some(one), Some(other)) => (one, other),
        (path, None) | (None, path) => return path,
    };
    if Arc::ptr_eq(&one, &other) {
        return Some(one);
    }
    let joined = Arc::make_mut(&mut one);
    for (name, held) in joined.iter_mut() {
        held.computed |= !other.contains_key(name);
    }
    for (name, held) in other.iter() {
        match joined.get_mut(name) {
            Some(own) => {
                own.literals.extend(&held.literals);
                own.computed |= held.computed;
            }
            None => {
                joined.insert(name.clone(), Held { computed: true, ..held.clone() });
            }
        }
    }
    Some(one)
}
