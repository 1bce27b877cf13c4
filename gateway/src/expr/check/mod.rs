//! Syntax tree to program: names become slots, members entries of the library,
//! conversions explicit. All problems are collected.
//!
//! Static types are hints where C#'s are proofs: where one is not known
//! everything is allowed and decided at run time. What is known and wrong is
//! an error, as it is when the platform saves the document.

mod calls;
mod conversions;
mod expressions;
mod members;
mod statements;

use super::ast::{Name, Program, TypeRef};
use super::ir::{self, Node};
use super::lexer::Span;
use super::library;
use super::types::{Type, from_keyword};
use super::value::Value;
use super::{CompileError, Reads};

/// Levels of syntax tree the checker follows; the evaluator needs as many.
const MAX_DEPTH: usize = 96;

/// A checked program and what is known about it.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) program: ir::Program,
    pub(crate) slots: usize,
    pub(crate) reads: Reads,
    pub(crate) ty: Type,
    /// What compiles but is hardly meant (W003).
    pub(crate) warnings: Vec<CompileError>,
}

/// Checks a program.
pub(crate) fn check(program: &Program) -> Result<Checked, Vec<CompileError>> {
    let mut checker = Checker {
        errors: Vec::new(),
        warnings: Vec::new(),
        scopes: vec![Vec::new()],
        slots: 0,
        reads: Reads::default(),
        receivers: Vec::new(),
        functions: vec![Function::default()],
        depth: 0,
        loops: 0,
        catches: 0,
    };
    let (program, ty) = match program {
        Program::Expression(expr) => {
            let value = checker.expr(expr);
            if value.ty == Type::Void {
                checker.error(expr.span.clone(), "this call gives no value");
            }
            (ir::Program::Expression(value.node), value.ty)
        }
        Program::Block(statements, span) => {
            let body = checker.statements(statements);
            if !ends_all(statements) {
                checker.errors.push(
                    CompileError::new(
                        span.end.saturating_sub(1)..span.end,
                        "not every path through this block returns a value",
                    )
                    .with_help("end it with `return …;`"),
                );
            }
            (ir::Program::Block(body), checker.function_result())
        }
    };
    if checker.errors.is_empty() {
        let Checker { slots, reads, mut warnings, .. } = checker;
        warnings.sort_by_key(|one| (one.span.start, one.span.end));
        warnings.dedup();
        Ok(Checked { program, slots, reads, ty, warnings })
    } else {
        checker.errors.sort_by_key(|error| (error.span.start, error.span.end));
        checker.errors.dedup();
        Err(checker.errors)
    }
}

pub(crate) use expressions::default_of;
use statements::ends_all;

/// A node with its static type.
#[derive(Debug)]
struct Typed {
    node: Node,
    ty: Type,
}

impl Typed {
    fn new(node: Node, ty: Type) -> Self {
        Self { node, ty }
    }

    /// Stands for something that did not compile: goes with everything.
    fn broken() -> Self {
        Self::new(Node::Constant(Value::Null), Type::Unknown)
    }
}

#[derive(Clone, Debug)]
struct Local {
    name: String,
    slot: usize,
    ty: Type,
}

/// What a function's `return`s gave so far.
#[derive(Debug, Default)]
struct Function {
    result: Option<Type>,
    /// Whether results differ so that nothing is known.
    mixed: bool,
}

struct Checker {
    errors: Vec<CompileError>,
    warnings: Vec<CompileError>,
    scopes: Vec<Vec<Local>>,
    slots: usize,
    reads: Reads,
    /// Slots and types of the values left of `?.`, innermost last.
    receivers: Vec<(usize, Type)>,
    functions: Vec<Function>,
    depth: usize,
    loops: usize,
    catches: usize,
}

impl Checker {
    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.errors.push(CompileError::new(span, message));
    }

    fn error_with(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        let mut error = CompileError::new(span, message);
        error.help = help;
        self.errors.push(error);
    }

    /// Says of the last error what it is about.
    fn about(&mut self, subject: &'static str) {
        if let Some(error) = self.errors.last_mut() {
            error.subject = Some(subject);
        }
    }

    fn slot(&mut self) -> usize {
        self.slots += 1;
        self.slots - 1
    }

    fn scoped<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(Vec::new());
        let result = inner(self);
        self.scopes.pop();
        result
    }

    fn local(&self, name: &str) -> Option<&Local> {
        self.scopes.iter().rev().flatten().find(|local| local.name == name)
    }

    /// Declares a local and gives its slot.
    fn declare(&mut self, name: &Name, ty: Type) -> usize {
        if self.local(&name.text).is_some() || name.text == "context" {
            self.error(
                name.span.clone(),
                format!("a variable named `{}` exists already", name.text),
            );
        }
        let slot = self.slot();
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(Local { name: name.text.clone(), slot, ty });
        }
        slot
    }

    fn returned(&mut self, ty: &Type) {
        let Some(function) = self.functions.last_mut() else { return };
        match &function.result {
            None => function.result = Some(ty.clone()),
            Some(Type::Null) if !ty.is_value_type() => function.result = Some(ty.clone()),
            Some(known) if known == ty || *ty == Type::Null => {}
            Some(known) if library::implicit_cost(ty, known).is_some() => {}
            Some(known) if library::implicit_cost(known, ty).is_some() => {
                function.result = Some(ty.clone());
            }
            Some(_) => function.mixed = true,
        }
    }

    fn function_result(&mut self) -> Type {
        match self.functions.last() {
            Some(Function { result: Some(ty), mixed: false }) => ty.clone(),
            Some(Function { mixed: true, .. }) => Type::OBJECT,
            _ => Type::Void,
        }
    }

    /// Resolves a written type; a problem gives [`Type::Unknown`].
    fn resolve(&mut self, written: &TypeRef) -> Type {
        let args: Vec<Type> = written.args.iter().map(|arg| self.resolve(arg)).collect();
        let mut ty = match written.path.as_str() {
            "dynamic" => Type::Unknown,
            word if from_keyword(word).is_some() => {
                Type::Of(from_keyword(word).unwrap_or("Object"), Vec::new())
            }
            path => match self.find_type(path, &written.span) {
                Some(def) => {
                    if def.parameters.len() != args.len() && !matches!(def.name, "Func" | "Tuple") {
                        self.error(
                            written.span.clone(),
                            format!(
                                "`{}` takes {} type arguments, found {}",
                                def.name,
                                def.parameters.len(),
                                args.len()
                            ),
                        );
                    }
                    Type::Of(def.name, args)
                }
                None => Type::Unknown,
            },
        };
        if written.nullable {
            ty = Type::nullable(ty);
        }
        for _ in 0..written.rank {
            ty = Type::array(ty);
        }
        ty
    }

    fn find_type(&mut self, path: &str, span: &Span) -> Option<&'static library::TypeDef> {
        let (namespace, name) = path.rsplit_once('.').unwrap_or(("", path));
        if let Some(def) = library::find(name)
            && (namespace.is_empty() || namespace == def.namespace)
        {
            return Some(def);
        }
        if super::parser::TYPE_KEYWORDS.contains(&path) {
            self.error(span.clone(), format!("the type `{path}` is not supported"));
            self.about("type");
            return None;
        }
        let help = match library::find(name) {
            Some(def) => Some(format!("it is `{}.{name}`", def.namespace)),
            None => seam::diagnostic::nearest(name, library::type_names())
                .map(|near| format!("did you mean `{near}`?")),
        };
        self.error_with(span.clone(), format!("unknown type `{path}`"), help);
        self.about("type");
        None
    }
}
