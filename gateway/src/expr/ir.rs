//! What the checker makes of the syntax tree: names are slots, members are
//! entries of the library, conversions are explicit. The evaluator needs no
//! tables.

use std::ops::Range;
use std::sync::Arc;

use super::ast::BinaryOp;
use super::library::Member;
use super::types::Type;
use super::value::Value;

/// A checked expression or block.
#[derive(Debug)]
pub(crate) enum Program {
    Expression(Node),
    Block(Vec<Stmt>),
}

#[derive(Debug)]
pub(crate) enum Node {
    Constant(Value),
    Slot(usize),
    /// A member known when compiled.
    Call(Box<Call>),
    /// A member looked up by the receiver's type at run time.
    CallByName(Box<CallByName>),
    /// Left to right; `true` compares references.
    Binary(Box<Node>, Vec<(BinaryOp, bool, Node)>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Complement(Box<Node>),
    Coalesce(Box<Node>, Box<Node>),
    Ternary(Box<(Node, Node, Node)>),
    Convert(Box<Node>, Type, Mode),
    /// `is T`; the slot of `is T name`.
    Is(Box<Node>, Type, Option<usize>),
    As(Box<Node>, Type),
    /// `receiver?.rest`: the receiver goes to the slot, null skips the rest.
    Conditional(Box<Node>, usize, Box<Node>),
    Assign(Box<Assign>),
    Step(Box<Step>),
    Interpolated(Vec<Piece>),
    Array(Type, Vec<Node>),
    /// `new T[n]`.
    SizedArray(Type, Box<Node>),
    Anonymous(Vec<(Arc<str>, Node)>),
    /// Evaluates the value into the slot, then the effects; the value is the
    /// slot's.
    Initialise(Box<Node>, usize, Vec<Node>),
    Lambda(Arc<Lambda>),
    Throw(Box<Node>),
}

/// How strict a conversion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// C# does it without being asked: widening, to `JToken`.
    Implicit,
    /// A cast between known types: truncates, converts tokens.
    Explicit,
    /// A cast from `object`: only the very type.
    Unbox,
    /// From a value of unknown type: whatever works.
    Dynamic,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) member: &'static Member,
    /// `None` for static members and constructors.
    pub(crate) receiver: Option<Node>,
    pub(crate) args: Vec<Arg>,
    /// Type arguments: the method's, a constructor's class's.
    pub(crate) types: Vec<Type>,
}

#[derive(Debug)]
pub(crate) enum Arg {
    Value(Node),
    /// A `params` array.
    Params(Type, Vec<Node>),
    /// `out`: where the value goes afterwards.
    Out(Option<Place>, Type),
}

#[derive(Debug)]
pub(crate) struct CallByName {
    pub(crate) receiver: Node,
    pub(crate) name: String,
    pub(crate) access: Access,
    pub(crate) args: Vec<(Option<String>, Node)>,
    pub(crate) types: Vec<Type>,
}

/// How a member is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Get,
    Set,
    Call,
    Index,
    SetIndex,
}

/// Something that can be assigned to.
#[derive(Debug)]
pub(crate) enum Place {
    Slot(usize),
    /// A property or indexer: receiver, index, how to read and how to write.
    Member {
        receiver: Node,
        index: Vec<Node>,
        get: Option<Target>,
        set: Target,
    },
}

#[derive(Debug)]
pub(crate) enum Target {
    Known(&'static Member),
    Named(String, Access),
}

#[derive(Debug)]
pub(crate) struct Assign {
    pub(crate) place: Place,
    /// `+=` and friends.
    pub(crate) op: Option<BinaryOp>,
    pub(crate) value: Node,
    /// What the place holds.
    pub(crate) ty: Type,
}

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) place: Place,
    pub(crate) by: i32,
    pub(crate) prefix: bool,
    pub(crate) ty: Type,
}

#[derive(Debug)]
pub(crate) enum Piece {
    Text(Arc<str>),
    Hole { value: Node, alignment: Option<i32>, format: Option<String> },
}

#[derive(Debug)]
pub(crate) struct Lambda {
    pub(crate) params: Vec<usize>,
    /// All slots of its body: saved around a call, so that it may call itself.
    pub(crate) slots: Range<usize>,
    pub(crate) body: LambdaBody,
}

#[derive(Debug)]
pub(crate) enum LambdaBody {
    Node(Node),
    Block(Vec<Stmt>),
}

#[derive(Debug)]
pub(crate) enum Stmt {
    Expr(Node),
    Set(usize, Node),
    Block(Vec<Stmt>),
    If(Vec<(Node, Stmt)>, Option<Box<Stmt>>),
    Loop {
        init: Vec<Stmt>,
        test_first: bool,
        condition: Option<Node>,
        step: Vec<Node>,
        body: Box<Stmt>,
    },
    ForEach {
        slot: usize,
        source: Node,
        pairs: bool,
        convert: Option<Type>,
        body: Box<Stmt>,
    },
    Return(Option<Node>),
    Break,
    Continue,
    Throw(Option<Node>),
    Try {
        body: Vec<Stmt>,
        catches: Vec<Catch>,
        finally: Option<Vec<Stmt>>,
    },
    /// `None` is `default`.
    Switch(Node, Vec<(Vec<Option<Node>>, Vec<Stmt>)>),
}

#[derive(Debug)]
pub(crate) struct Catch {
    /// Registered name of the exception type.
    pub(crate) ty: &'static str,
    pub(crate) slot: Option<usize>,
    pub(crate) filter: Option<Node>,
    pub(crate) body: Vec<Stmt>,
}
