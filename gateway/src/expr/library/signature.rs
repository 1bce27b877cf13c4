//! Members' declarations: the C# in a table's entry to a [`Member`].
//!
//! `int Length`, `set JToken Value`, `static string Join(string separator,
//! params object[] values)`, `T Value<T>(object key)`, `new(string pattern)`,
//! `JToken this[object key]`, `bool TryParse(string text, out int result)`.

use super::{Entry, Function, TypeDef};
use crate::expr::lexer::{self, Lexeme, Token};
use crate::expr::types::{Type, from_keyword};
use crate::expr::value::Value;

/// How a member is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemberKind {
    Property,
    Setter,
    Method,
    Constructor,
    Indexer,
    IndexSetter,
}

/// One parameter.
#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) ty: Type,
    pub(crate) default: Option<Value>,
    pub(crate) is_params: bool,
    pub(crate) is_out: bool,
}

/// A member of a library type.
pub(crate) struct Member {
    /// The type that declares it.
    pub(crate) owner: &'static str,
    pub(crate) name: &'static str,
    pub(crate) kind: MemberKind,
    pub(crate) is_static: bool,
    /// The method's own generic parameters; for a constructor its class's.
    pub(crate) parameters: Vec<&'static str>,
    pub(crate) params: Vec<Param>,
    pub(crate) result: Type,
    /// As written in the table.
    pub(crate) declaration: &'static str,
    pub(crate) function: Function,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.owner, self.declaration)
    }
}

/// Reads an entry's declaration.
pub(crate) fn parse(entry: &'static Entry, def: &'static TypeDef) -> Result<Member, String> {
    let mut reader = Reader::new(entry.0, def.parameters)?;
    let is_static = reader.word("static");
    let is_setter = reader.word("set");
    let own = || {
        let args = def.parameters.iter().map(|name| Type::Parameter(name)).collect();
        Type::Of(def.name, args)
    };
    let mut member = Member {
        owner: def.name,
        name: "",
        kind: MemberKind::Property,
        is_static,
        parameters: Vec::new(),
        params: Vec::new(),
        result: own(),
        declaration: entry.0,
        function: entry.1,
    };
    if reader.word("new") {
        member.name = "new";
        member.kind = MemberKind::Constructor;
        member.is_static = true;
        member.parameters = def.parameters.to_vec();
        member.params = reader.params("(", ")")?;
        return reader.end().map(|()| member);
    }
    // A method's generic parameters are declared behind its name but used before.
    reader.declare_generics();
    member.result = reader.ty()?;
    if reader.word("this") {
        member.name = "this";
        member.kind = if is_setter { MemberKind::IndexSetter } else { MemberKind::Indexer };
        member.params = reader.params("[", "]")?;
        return reader.end().map(|()| member);
    }
    member.name = reader.name()?;
    if reader.symbol("<") {
        loop {
            member.parameters.push(reader.name()?);
            if !reader.symbol(",") {
                break;
            }
        }
        reader.expect(">")?;
    }
    if reader.peek_symbol("(") {
        member.kind = MemberKind::Method;
        member.params = reader.params("(", ")")?;
    } else if is_setter {
        member.kind = MemberKind::Setter;
    }
    reader.end().map(|()| member)
}

/// Reads a base type.
pub(crate) fn parse_type(text: &'static str, generics: &[&'static str]) -> Result<Type, String> {
    let mut reader = Reader::new(text, generics)?;
    let ty = reader.ty()?;
    reader.end().map(|()| ty)
}

struct Reader {
    text: &'static str,
    lexemes: Vec<Lexeme>,
    at: usize,
    generics: Vec<&'static str>,
}

impl Reader {
    fn new(text: &'static str, generics: &[&'static str]) -> Result<Self, String> {
        let lexemes = lexer::lex(text, 0..text.len()).map_err(|error| error.message)?;
        Ok(Self { text, lexemes, at: 0, generics: generics.to_vec() })
    }

    fn token(&self) -> &Token {
        self.lexemes.get(self.at).map_or(&Token::End, |lexeme| &lexeme.token)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.token(), Token::Word(found) if found == word);
        self.at += usize::from(found);
        found
    }

    fn peek_symbol(&self, symbol: &str) -> bool {
        matches!(self.token(), Token::Symbol(found) if *found == symbol)
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let found = self.peek_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        if self.symbol(symbol) { Ok(()) } else { Err(format!("expected `{symbol}`")) }
    }

    fn end(&self) -> Result<(), String> {
        if self.token() == &Token::End { Ok(()) } else { Err("text at the end".into()) }
    }

    fn name(&mut self) -> Result<&'static str, String> {
        let lexeme = self.lexemes.get(self.at).ok_or("expected a name")?;
        let (Token::Word(_), span) = (&lexeme.token, lexeme.span.clone()) else {
            return Err("expected a name".into());
        };
        self.at += 1;
        self.text.get(span).ok_or_else(|| "expected a name".into())
    }

    /// Finds `Name<T, U>(` ahead and declares `T`, `U`.
    fn declare_generics(&mut self) {
        let open = self.text.find('(').unwrap_or(self.text.len());
        let before = self.text.get(..open).unwrap_or_default().trim_end();
        let Some(inner) = before.strip_suffix('>') else { return };
        let Some(start) = inner.rfind('<') else { return };
        let names = inner.get(start + 1..).unwrap_or_default();
        self.generics.extend(names.split(',').map(str::trim));
    }

    fn ty(&mut self) -> Result<Type, String> {
        let name = self.name()?;
        let mut args = Vec::new();
        if self.symbol("<") {
            loop {
                args.push(self.ty()?);
                if !self.symbol(",") {
                    break;
                }
            }
            self.expect(">")?;
        }
        let mut ty = match name {
            "void" => Type::Void,
            "dynamic" => Type::Unknown,
            _ if self.generics.contains(&name) => Type::Parameter(name),
            _ => Type::Of(from_keyword(name).unwrap_or(name), args),
        };
        if self.symbol("?") {
            ty = Type::Of("Nullable", vec![ty]);
        }
        while self.peek_symbol("[")
            && matches!(self.lexemes.get(self.at + 1).map(|l| &l.token), Some(Token::Symbol("]")))
        {
            self.at += 2;
            ty = Type::array(ty);
        }
        Ok(ty)
    }

    fn params(&mut self, open: &str, close: &str) -> Result<Vec<Param>, String> {
        self.expect(open)?;
        let mut params = Vec::new();
        while !self.peek_symbol(close) {
            let is_params = self.word("params");
            let is_out = self.word("out");
            let ty = self.ty()?;
            let name = self.name()?;
            let default = if self.symbol("=") { Some(self.constant()?) } else { None };
            params.push(Param { name, ty, default, is_params, is_out });
            if !self.symbol(",") {
                break;
            }
        }
        self.expect(close)?;
        Ok(params)
    }

    fn constant(&mut self) -> Result<Value, String> {
        let value = match self.token() {
            Token::Word(word) if word == "null" => Value::Null,
            Token::Word(word) if word == "true" => Value::Bool(true),
            Token::Word(word) if word == "false" => Value::Bool(false),
            Token::Int(n) => Value::Int(*n),
            Token::String(text) => Value::from(text.as_str()),
            _ => return Err("expected a constant".into()),
        };
        self.at += 1;
        Ok(value)
    }
}
