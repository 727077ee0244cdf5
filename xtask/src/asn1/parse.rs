//! Reads an ASN.1 module: tokens, then assignments.
//!
//! Spec: ITU-T X.680, the part that TS 38.331 uses (no information objects, no parameterised types: SetupRelease is expected
//! written out as a CHOICE).

use std::collections::BTreeMap;

/// Lower and upper bound of a SIZE; no upper bound is `None`.
pub type Size = (usize, Option<usize>);

/// One type as it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Bool,
    Null,
    Int(Option<(i64, i64)>),
    Enum { root: Vec<String>, ext: Option<Vec<String>> },
    Bits(Size),
    Octets { size: Size, containing: Option<String> },
    Seq { root: Vec<Component>, ext: Option<Vec<Addition>> },
    SeqOf(Size, Box<Type>),
    Choice { root: Vec<Component>, ext: Option<Vec<Component>> },
    Ref(String),
}

/// A component of a SEQUENCE, or an alternative of a CHOICE.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    pub name: String,
    pub ty: Type,
    pub optional: bool,
    pub default: Option<String>,
}

/// An extension addition of a SEQUENCE.
#[derive(Clone, Debug, PartialEq)]
pub enum Addition {
    Group(Vec<Component>),
    Single(Component),
}

/// The assignments of a module.
#[derive(Debug, Default)]
pub struct Module {
    pub types: BTreeMap<String, Type>,
    pub values: BTreeMap<String, i64>,
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
    values: BTreeMap<String, i64>,
}

type Result<T> = std::result::Result<T, String>;

/// Parses the text of one module; `known` are the values that it may import.
pub fn module(text: &str, known: BTreeMap<String, i64>) -> Result<Module> {
    let tokens = tokens(text);
    let mut start = tokens.iter().position(|t| t == "BEGIN").ok_or("no BEGIN")? + 1;
    if tokens.get(start).is_some_and(|t| t == "IMPORTS") {
        start = tokens.iter().position(|t| t == ";").ok_or("no end of IMPORTS")? + 1;
    }
    let values = known.into_iter().chain(values(&tokens)).collect();
    let mut p = Parser { tokens, at: start, values };
    let mut types = BTreeMap::new();
    while p.peek() != "END" {
        let name = p.next();
        if name.starts_with(|c: char| c.is_ascii_lowercase()) {
            p.expect("INTEGER")?;
            p.expect("::=")?;
            p.next();
            continue;
        }
        p.expect("::=")?;
        let ty = p.ty().map_err(|e| format!("{name}: {e}"))?;
        types.insert(name, ty);
    }
    Ok(Module { types, values: p.values })
}

fn values(tokens: &[String]) -> BTreeMap<String, i64> {
    let mut values = BTreeMap::new();
    for w in tokens.windows(4).filter(|w| w[1] == "INTEGER" && w[2] == "::=") {
        if let Some(value) = w[3].parse().ok().or_else(|| values.get(&w[3]).copied()) {
            values.insert(w[0].clone(), value);
        }
    }
    values
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for line in text.lines() {
        let line = line.split("--").next().unwrap_or("");
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(rest.len());
            let symbol = ["::=", "...", "..", "[[", "]]"].iter().find(|s| rest.starts_with(**s));
            let len = match symbol {
                Some(s) => s.len(),
                None if word > 0 => word,
                None => first.len_utf8(),
            };
            tokens.push(rest[..len].to_string());
            rest = rest[len..].trim_start();
        }
    }
    tokens
}

impl Parser {
    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("END", String::as_str)
    }

    fn next(&mut self) -> String {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned().unwrap_or_default()
    }

    fn accept(&mut self, token: &str) -> bool {
        let found = self.peek() == token;
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &str) -> Result<()> {
        let found = self.next();
        if found == token { Ok(()) } else { Err(format!("expected {token}, found {found} (token {})", self.at)) }
    }

    fn number(&mut self) -> Result<i64> {
        let token = self.next();
        match token.parse() {
            Ok(number) => Ok(number),
            Err(_) => self.values.get(&token).copied().ok_or(format!("no value {token}")),
        }
    }

    /// `(a..b)` or `(a)`, perhaps behind `SIZE`; None if no parenthesis follows.
    fn range(&mut self) -> Result<Option<(i64, i64)>> {
        if !self.accept("(") {
            return Ok(None);
        }
        let size = self.accept("SIZE");
        if size {
            self.expect("(")?;
        }
        let low = self.number()?;
        let high = if self.accept("..") { self.number()? } else { low };
        self.expect(")")?;
        if size {
            self.expect(")")?;
        }
        Ok(Some((low, high)))
    }

    fn size(&mut self) -> Result<Size> {
        Ok(self.range()?.map_or((0, None), |(low, high)| (low as usize, Some(high as usize))))
    }

    fn ty(&mut self) -> Result<Type> {
        let word = self.next();
        Ok(match word.as_str() {
            "BOOLEAN" => Type::Bool,
            "NULL" => Type::Null,
            "INTEGER" => Type::Int(self.range()?),
            "ENUMERATED" => self.enumerated()?,
            "BIT" => {
                self.expect("STRING")?;
                Type::Bits(self.size()?)
            }
            "OCTET" => self.octets()?,
            "CHOICE" => self.choice()?,
            "SEQUENCE" if self.peek() == "{" => self.sequence()?,
            "SEQUENCE" => {
                let size = if self.accept("SIZE") {
                    self.at -= 1;
                    self.bare_size()?
                } else {
                    self.size()?
                };
                self.expect("OF")?;
                Type::SeqOf(size, Box::new(self.ty()?))
            }
            _ if word.starts_with(|c: char| c.is_ascii_uppercase()) => Type::Ref(word),
            _ => return Err(format!("no type: {word}")),
        })
    }

    /// `SIZE (a..b)` without parentheses around it.
    fn bare_size(&mut self) -> Result<Size> {
        self.expect("SIZE")?;
        self.size()
    }

    fn octets(&mut self) -> Result<Type> {
        self.expect("STRING")?;
        if self.peek() == "(" && self.tokens.get(self.at + 1).is_some_and(|t| t == "CONTAINING") {
            self.at += 2;
            let containing = self.next();
            self.expect(")")?;
            return Ok(Type::Octets { size: (0, None), containing: Some(containing) });
        }
        Ok(Type::Octets { size: self.size()?, containing: None })
    }

    fn enumerated(&mut self) -> Result<Type> {
        self.expect("{")?;
        let (mut root, mut ext) = (Vec::new(), None);
        loop {
            if self.accept("...") {
                ext = Some(Vec::new());
            } else {
                ext.as_mut().unwrap_or(&mut root).push(self.next());
            }
            if self.accept("}") {
                return Ok(Type::Enum { root, ext });
            }
            self.expect(",")?;
        }
    }

    fn choice(&mut self) -> Result<Type> {
        self.expect("{")?;
        let (mut root, mut ext) = (Vec::new(), None);
        loop {
            if self.accept("...") {
                ext = Some(Vec::new());
            } else if self.accept("[[") {
                let list = ext.as_mut().ok_or("a group in the root")?;
                loop {
                    list.push(self.component()?);
                    if self.accept("]]") {
                        break;
                    }
                    self.expect(",")?;
                }
            } else {
                let component = self.component()?;
                ext.as_mut().unwrap_or(&mut root).push(component);
            }
            if self.accept("}") {
                return Ok(Type::Choice { root, ext });
            }
            self.expect(",")?;
        }
    }

    fn sequence(&mut self) -> Result<Type> {
        self.expect("{")?;
        let (mut root, mut ext) = (Vec::new(), None);
        if self.accept("}") {
            return Ok(Type::Seq { root, ext });
        }
        loop {
            if self.accept("...") {
                if ext.is_some() {
                    return Err("a second extension marker".into());
                }
                ext = Some(Vec::new());
            } else if self.accept("[[") {
                let group = self.group()?;
                ext.as_mut().ok_or("a group in the root")?.push(Addition::Group(group));
            } else {
                let component = self.component()?;
                match &mut ext {
                    Some(list) => list.push(Addition::Single(component)),
                    None => root.push(component),
                }
            }
            if self.accept("}") {
                return Ok(Type::Seq { root, ext });
            }
            self.expect(",")?;
        }
    }

    fn group(&mut self) -> Result<Vec<Component>> {
        let mut group = Vec::new();
        loop {
            group.push(self.component()?);
            if self.accept("]]") {
                return Ok(group);
            }
            self.expect(",")?;
        }
    }

    fn component(&mut self) -> Result<Component> {
        let name = self.next();
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err(format!("no component name: {name}"));
        }
        let ty = self.ty().map_err(|e| format!("{name}: {e}"))?;
        let mut component = Component { name, ty, optional: false, default: None };
        if self.accept("OPTIONAL") {
            component.optional = true;
        } else if self.accept("DEFAULT") {
            component.optional = true;
            component.default = Some(self.next());
        }
        Ok(component)
    }
}
