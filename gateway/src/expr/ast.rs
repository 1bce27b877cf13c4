//! The syntax tree: what was written, with spans, nothing resolved.

use super::lexer::Span;
use super::value::Value;

/// The body of an expression.
#[derive(Debug)]
pub(crate) enum Program {
    /// `@( … )`.
    Expression(Expr),
    /// `@{ … }`.
    Block(Vec<Stmt>, Span),
}

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// A type as written: `System.Collections.Generic.List<int>[]`, namespaces kept.
#[derive(Clone, Debug)]
pub(crate) struct TypeRef {
    /// Dotted path.
    pub(crate) path: String,
    pub(crate) args: Vec<TypeRef>,
    pub(crate) nullable: bool,
    /// How many `[]` follow.
    pub(crate) rank: usize,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    Literal(Value),
    Interpolated(Vec<InterpolatedPart>),
    Name(Name, Vec<TypeRef>),
    /// A predefined type's keyword where a value could stand: `string.Join`.
    Keyword(String),
    Member(Box<Expr>, Name, Vec<TypeRef>),
    Call(Box<Expr>, Vec<Argument>),
    Index(Box<Expr>, Vec<Argument>),
    /// `target?.rest`: `rest` holds a [`ExprKind::Receiver`] where the value goes.
    Conditional(Box<Expr>, Box<Expr>),
    /// The value left of the innermost `?.`.
    Receiver,
    Unary(UnaryOp, Box<Expr>),
    /// A run of operators of one precedence, left to right: a flat list, so
    /// that a long concatenation does not nest.
    Binary(Box<Expr>, Vec<(BinaryOp, Span, Expr)>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Coalesce(Box<Expr>, Box<Expr>),
    Ternary(Box<Expr>, Box<Expr>, Box<Expr>),
    Assign(Option<BinaryOp>, Box<Expr>, Box<Expr>),
    Step {
        target: Box<Expr>,
        by: i32,
        prefix: bool,
    },
    Cast(TypeRef, Box<Expr>),
    Is(Box<Expr>, IsPattern),
    As(Box<Expr>, TypeRef),
    New(TypeRef, Vec<Argument>, Option<Initialiser>),
    NewArray {
        element: Option<TypeRef>,
        size: Option<Box<Expr>>,
        items: Option<Vec<Expr>>,
    },
    Anonymous(Vec<(Name, Expr)>),
    Lambda(Vec<Name>, LambdaBody),
    Default(Option<TypeRef>),
    /// `typeof(T)`.
    TypeOf(TypeRef),
    NameOf(String),
    Throw(Box<Expr>),
}

#[derive(Debug)]
pub(crate) enum IsPattern {
    Type(TypeRef, Option<Name>),
    /// `is null`, `is 5`.
    Constant(Box<Expr>),
}

#[derive(Debug)]
pub(crate) enum LambdaBody {
    Expr(Box<Expr>),
    Block(Vec<Stmt>),
}

#[derive(Debug)]
pub(crate) enum InterpolatedPart {
    Text(String),
    Hole { value: Expr, alignment: Option<i32>, format: Option<String> },
}

#[derive(Debug)]
pub(crate) struct Argument {
    pub(crate) name: Option<Name>,
    pub(crate) value: ArgumentValue,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum ArgumentValue {
    Expr(Expr),
    /// `out x`.
    Out(Expr),
    /// `out var x`, `out int x`.
    OutDeclare(Option<TypeRef>, Name),
    /// `out _`.
    OutDiscard,
}

/// `{ … }` behind `new T(…)`.
#[derive(Debug)]
pub(crate) enum Initialiser {
    /// Each element: the arguments of one `Add`.
    Collection(Vec<(Vec<Expr>, Span)>),
    Members(Vec<(InitialiserTarget, Expr)>),
}

#[derive(Debug)]
pub(crate) enum InitialiserTarget {
    Member(Name),
    Index(Expr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOp {
    Not,
    Negate,
    Plus,
    Complement,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
}

impl BinaryOp {
    /// The operator as written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Stmt {
    pub(crate) kind: StmtKind,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum StmtKind {
    Empty,
    Block(Vec<Stmt>),
    /// `var` when there is no type.
    Local(Option<TypeRef>, Vec<(Name, Option<Expr>)>),
    Expr(Expr),
    /// `if … else if … else …` flat.
    If(Vec<(Expr, Stmt)>, Option<Box<Stmt>>),
    While(Expr, Box<Stmt>),
    DoWhile(Box<Stmt>, Expr),
    For {
        init: Vec<Stmt>,
        condition: Option<Expr>,
        step: Vec<Expr>,
        body: Box<Stmt>,
    },
    ForEach {
        ty: Option<TypeRef>,
        name: Name,
        source: Expr,
        body: Box<Stmt>,
    },
    Return(Option<Expr>),
    Break,
    Continue,
    Throw(Option<Expr>),
    Try {
        body: Vec<Stmt>,
        catches: Vec<Catch>,
        finally: Option<Vec<Stmt>>,
    },
    Switch(Expr, Vec<Section>),
    /// `using (…) body`: nothing here holds resources, so it is a scope.
    Using(Box<Stmt>, Box<Stmt>),
}

#[derive(Debug)]
pub(crate) struct Catch {
    pub(crate) ty: Option<TypeRef>,
    pub(crate) name: Option<Name>,
    pub(crate) filter: Option<Expr>,
    pub(crate) body: Vec<Stmt>,
}

#[derive(Debug)]
pub(crate) struct Section {
    /// `None` is `default:`.
    pub(crate) labels: Vec<Option<Expr>>,
    pub(crate) body: Vec<Stmt>,
    pub(crate) span: Span,
}
