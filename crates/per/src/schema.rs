//! Finds the extent of a value without decoding it, by a compact table of the types.

use crate::{DecodeErrorKind, Opaque, Reader, Stop, width};

/// Types as a table of words.
///
/// A reference is a word: bit 31 says that the component is OPTIONAL; with bit 30 the low bits are the size of a value that always
/// has the same number of bits, without it they are the index of a node. A node is a word with its operation in the low 8 bits,
/// and operands behind it:
///
/// | operation   | operands                    | type |
/// | ----------- | --------------------------- | ---- |
/// | `ENUM`      | last index of the root      | ENUMERATED with extension marker |
/// | `LIST`      | min, max, reference         | SEQUENCE OF, OCTET STRING, BIT STRING; max `u32::MAX`: none |
/// | `SEQ`       | references (count in bits 8..16) | SEQUENCE; bit 16: extension marker |
/// | `CHOICE`    | references (count in bits 8..16) | CHOICE; bit 16: extension marker |
/// | `INT`       |                             | INTEGER without a range |
/// | `TAIL`      |                             | all that is left |
#[derive(Clone, Copy, Debug)]
pub struct Schema(pub &'static [u32]);

const DEPTH_MAX: u32 = 48;
const COUNT_SHIFT: u32 = 8;
const EXTENSIBLE: u32 = 1 << 16;

impl Schema {
    /// Operation: ENUMERATED with an extension marker.
    pub const ENUM: u32 = 0;
    /// Operation: a number of equal things.
    pub const LIST: u32 = 1;
    /// Operation: SEQUENCE.
    pub const SEQ: u32 = 2;
    /// Operation: CHOICE.
    pub const CHOICE: u32 = 3;
    /// Operation: INTEGER without a range.
    pub const INT: u32 = 4;
    /// Operation: all that is left.
    pub const TAIL: u32 = 5;
    /// Flag of a reference: the component is OPTIONAL.
    pub const OPTIONAL: u32 = 1 << 31;
    /// Flag of a reference: the low bits are a number of bits.
    pub const FIXED: u32 = 1 << 30;

    /// Takes the bits of one value of the type `reference`.
    pub fn opaque(&self, r: &mut Reader<'_>, reference: u32) -> Result<Opaque, Stop> {
        let start = r.position();
        self.walk(r, reference, 0)?;
        let n = r.position() - start;
        r.rewind(start);
        r.take_bits(n).map(Opaque)
    }

    fn word(&self, r: &mut Reader<'_>, at: usize) -> Result<u32, Stop> {
        self.0.get(at).copied().ok_or_else(|| r.stop(DecodeErrorKind::TooDeep))
    }

    fn walk(&self, r: &mut Reader<'_>, reference: u32, depth: u32) -> Result<(), Stop> {
        let reference = reference & !Self::OPTIONAL;
        if reference & Self::FIXED != 0 {
            return r.skip((reference & !Self::FIXED) as usize);
        }
        if depth >= DEPTH_MAX {
            return Err(r.stop(DecodeErrorKind::TooDeep));
        }
        let at = reference as usize;
        let head = self.word(r, at)?;
        let count = (head >> COUNT_SHIFT & 0xff) as usize;
        match head & 0xff {
            Self::ENUM => {
                if r.bool()? {
                    r.small()?;
                    return Ok(());
                }
                let last = self.word(r, at + 1)?;
                r.skip(width(u64::from(last)) as usize)
            }
            Self::LIST => self.walk_list(r, at, depth),
            Self::SEQ => self.walk_seq(r, at, count, head & EXTENSIBLE != 0, depth),
            Self::CHOICE => {
                if head & EXTENSIBLE != 0 && r.bool()? {
                    r.small()?;
                    return skip_octets(r);
                }
                let i = r.index(count as u64 - 1)? as usize;
                let alternative = self.word(r, at + 1 + i)?;
                self.walk(r, alternative, depth + 1)
            }
            Self::INT => skip_octets(r),
            _ => r.skip(r.remaining()),
        }
    }

    fn walk_list(&self, r: &mut Reader<'_>, at: usize, depth: u32) -> Result<(), Stop> {
        let (min, max) = (self.word(r, at + 1)? as usize, self.word(r, at + 2)?);
        let max = if max == u32::MAX { usize::MAX } else { max as usize };
        let element = self.word(r, at + 3)?;
        r.fragments(min, max, |r, n| {
            if element & Self::FIXED != 0 {
                return r.skip(n * (element & !Self::FIXED) as usize);
            }
            (0..n).try_for_each(|_| self.walk(r, element, depth + 1))
        })
    }

    fn walk_seq(&self, r: &mut Reader<'_>, at: usize, count: usize, extensible: bool, depth: u32) -> Result<(), Stop> {
        let extended = extensible && r.bool()?;
        let components = self.0.get(at + 1..at + 1 + count).unwrap_or_default();
        let mut present = r.position();
        r.skip(components.iter().filter(|c| **c & Self::OPTIONAL != 0).count())?;
        for component in components {
            let optional = component & Self::OPTIONAL != 0;
            if !optional || r.bit_at(present) {
                self.walk(r, *component, depth + 1)?;
            }
            present += usize::from(optional);
        }
        if !extended {
            return Ok(());
        }
        let count = r.small_length()?;
        let present = r.position();
        r.skip(count)?;
        for i in 0..count {
            if r.bit_at(present + i) {
                skip_octets(r)?;
            }
        }
        Ok(())
    }
}

fn skip_octets(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.fragments(0, usize::MAX, |r, n| r.skip(n * 8))
}
