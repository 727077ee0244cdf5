//! The trait of generated types, and the two verbs.

use crate::{DecodeError, EncodeError, Reader, Stop, Writer};

/// An ASN.1 type in unaligned PER.
pub trait Codec: Default {
    /// Reads a value into `self`, which is a default value. After an error it is of no use.
    fn read(&mut self, r: &mut Reader<'_>) -> Result<(), Stop>;
    /// Reads a value.
    fn decode(r: &mut Reader<'_>) -> Result<Self, Stop> {
        let mut value = Self::default();
        value.read(r)?;
        Ok(value)
    }
    /// Writes the value.
    fn encode(&self, w: &mut Writer) -> Result<(), Stop>;
}

/// Decodes one message. What stands behind it is padding, and is ignored.
///
/// Errors: `DecodeError`, with the bit where the message stops making sense. Never panics; allocates no more than a small multiple
/// of the octets that are there.
pub fn decode<T: Codec>(octets: &[u8]) -> Result<T, DecodeError> {
    let mut r = Reader::new(octets);
    T::decode(&mut r).map_err(|Stop| r.error())
}

/// Encodes one message, zero bits added up to an octet.
///
/// Errors: `EncodeError`, if a value does not fit its constraint.
pub fn encode<T: Codec>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut w = Writer::new();
    value.encode(&mut w).map_err(|Stop| w.error())?;
    Ok(w.finish())
}

/// An ENUMERATED type.
pub trait Enumerated: Copy + 'static {
    /// The values of the root, in their order.
    const ALL: &'static [Self];
    /// Their names in the specification.
    const NAMES: &'static [&'static str];

    /// Position in the order of the specification.
    fn index(self) -> usize;

    /// Name in the specification.
    fn name(self) -> &'static str {
        Self::NAMES.get(self.index()).copied().unwrap_or("unknown")
    }

    /// The number in the name: 20 for `ms20`, -3 for `dB-3`; None if there is none (`infinity`).
    fn number(self) -> Option<i32> {
        name_number(self.name())
    }

    /// The first value whose name carries this number.
    fn from_number(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|v| v.number() == Some(number))
    }
}

/// The number at the end of a name, perhaps with units behind it: `kB25` 25, `dB-3` -3, `ms0dot5` none, for it is no whole number.
pub fn name_number(name: &str) -> Option<i32> {
    let start = name.find(|c: char| c.is_ascii_digit())?;
    let (prefix, rest) = name.split_at(start);
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    let behind = &rest[digits.len()..];
    if behind.chars().any(|c| c.is_ascii_digit()) {
        return None;
    }
    let number: i32 = digits.parse().ok()?;
    Some(if prefix.ends_with('-') { -number } else { number })
}

/// The parameterised type SetupRelease: take a configuration away, or set it.
///
/// Spec: TS 38.331 §6.3.2 (SetupRelease)
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SetupRelease<T> {
    /// The configuration is released.
    #[default]
    Release,
    /// The configuration is set.
    Setup(T),
}

impl<T: Codec> Codec for SetupRelease<T> {
    fn read(&mut self, r: &mut Reader<'_>) -> Result<(), Stop> {
        if r.bool()? {
            *self = Self::Setup(T::decode(r)?);
        }
        Ok(())
    }

    fn encode(&self, w: &mut Writer) -> Result<(), Stop> {
        match self {
            Self::Release => w.bool(false),
            Self::Setup(value) => {
                w.bool(true);
                value.encode(w)?;
            }
        }
        Ok(())
    }
}

/// Defines an ENUMERATED type without an extension marker: `per::enumerated!(Name { Variant "name", ... });`.
///
/// Spec: ITU-T X.691 §14
#[macro_export]
macro_rules! enumerated {
    ($(#[$meta:meta])* $name:ident { $first:ident $first_name:literal $(, $variant:ident $text:literal)* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum $name { #[default] $first $(, $variant)* }
        impl $crate::Enumerated for $name {
            const ALL: &'static [Self] = &[Self::$first $(, Self::$variant)*];
            const NAMES: &'static [&'static str] = &[$first_name $(, $text)*];
            fn index(self) -> usize { self as usize }
        }
        impl $crate::Codec for $name {
            fn read(&mut self, r: &mut $crate::Reader<'_>) -> Result<(), $crate::Stop> {
                const ALL: &[$name] = <$name as $crate::Enumerated>::ALL;
                *self = ALL[r.index(ALL.len() as u64 - 1)? as usize];
                Ok(())
            }
            fn encode(&self, w: &mut $crate::Writer) -> Result<(), $crate::Stop> {
                w.index(<$name as $crate::Enumerated>::ALL.len() as u64 - 1, *self as u64)
            }
        }
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str($crate::Enumerated::name(*self))
            }
        }
    };
}

/// Defines an ENUMERATED type with an extension marker: `per::extensible!(Name { Root "name", ... } { Added "name", ... });`.
/// A value of a later release is `Unknown` with its number, counted from the extension marker.
///
/// Spec: ITU-T X.691 §14.3
#[macro_export]
macro_rules! extensible {
    ($(#[$meta:meta])* $name:ident { $first:ident $first_name:literal $(, $variant:ident $text:literal)* $(,)? }
     { $($added:ident $added_text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum $name { #[default] $first $(, $variant)* $(, $added)*, Unknown(u32) }
        impl $name {
            const ROOT: &'static [Self] = &[Self::$first $(, Self::$variant)*];
            const ADDED: &'static [Self] = &[$(Self::$added),*];
        }
        impl $crate::Enumerated for $name {
            const ALL: &'static [Self] = &[Self::$first $(, Self::$variant)* $(, Self::$added)*];
            const NAMES: &'static [&'static str] = &[$first_name $(, $text)* $(, $added_text)*];
            fn index(self) -> usize {
                match self {
                    Self::Unknown(n) => Self::ALL.len() + n as usize,
                    _ => Self::ALL.iter().position(|v| *v == self).unwrap_or(0),
                }
            }
        }
        impl $crate::Codec for $name {
            fn read(&mut self, r: &mut $crate::Reader<'_>) -> Result<(), $crate::Stop> {
                *self = if r.bool()? {
                    let n = r.small()?;
                    Self::ADDED.get(n as usize).copied().unwrap_or(Self::Unknown(n as u32))
                } else {
                    Self::ROOT[r.index(Self::ROOT.len() as u64 - 1)? as usize]
                };
                Ok(())
            }
            fn encode(&self, w: &mut $crate::Writer) -> Result<(), $crate::Stop> {
                if let Some(n) = Self::ROOT.iter().position(|v| v == self) {
                    w.bool(false);
                    return w.index(Self::ROOT.len() as u64 - 1, n as u64);
                }
                w.bool(true);
                match (self, Self::ADDED.iter().position(|v| v == self)) {
                    (Self::Unknown(n), _) => w.small(u64::from(*n)),
                    (_, n) => w.small(n.unwrap_or(0) as u64),
                }
                Ok(())
            }
        }
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    Self::Unknown(n) => write!(f, "unknown({n})"),
                    _ => f.write_str($crate::Enumerated::name(*self)),
                }
            }
        }
    };
}
