//! Writes the table by which a codec finds the extent of a type that it does not decode.

use super::parse::{Component, Module, Size, Type};
use std::collections::HashMap;

const LIST: u32 = 1;
const TAIL: u32 = 5;
const OPTIONAL: u32 = 1 << 31;
const FIXED: u32 = 1 << 30;

/// The table while it grows; equal nodes are stored once.
#[derive(Default)]
pub struct Table {
    pub words: Vec<u32>,
    nodes: HashMap<Vec<u32>, u32>,
    named: HashMap<String, u32>,
}

fn bits_of(count: usize) -> u32 {
    usize::BITS - (count - 1).leading_zeros()
}

impl Table {
    fn node(&mut self, words: Vec<u32>) -> u32 {
        if let Some(at) = self.nodes.get(&words) {
            return *at;
        }
        let at = self.words.len() as u32;
        self.words.extend(&words);
        self.nodes.insert(words, at);
        at
    }

    /// The reference of a type; panics on one that contains itself.
    pub fn reference(&mut self, module: &Module, ty: &Type) -> u32 {
        match ty {
            Type::Bool => FIXED | 1,
            Type::Null => FIXED,
            Type::Int(Some((low, high))) => FIXED | (u64::BITS - high.abs_diff(*low).leading_zeros()),
            Type::Int(None) => self.node(vec![4]),
            Type::Enum { root, ext: None } => FIXED | bits_of(root.len()),
            Type::Enum { root, ext: Some(_) } => self.node(vec![0, root.len() as u32 - 1]),
            Type::Bits(size) => self.list(*size, FIXED | 1),
            Type::Octets { size, .. } => self.list(*size, FIXED | 8),
            Type::SeqOf(size, element) => {
                let element = self.reference(module, element);
                self.list(*size, element)
            }
            Type::Choice { root, ext } => {
                let words = self.components(module, root);
                self.node([vec![3 | head(root.len(), ext.is_some())], words].concat())
            }
            Type::Seq { root, ext } => {
                if root.is_empty() && ext.is_none() {
                    return self.node(vec![TAIL]);
                }
                let words = self.components(module, root);
                if ext.is_none() && words.iter().all(|w| w & (OPTIONAL | FIXED) == FIXED) {
                    return FIXED | words.iter().map(|w| w & !FIXED).sum::<u32>();
                }
                self.node([vec![2 | head(root.len(), ext.is_some())], words].concat())
            }
            Type::Ref(name) => {
                if let Some(at) = self.named.get(name) {
                    assert_ne!(*at, u32::MAX, "{name} contains itself");
                    return *at;
                }
                self.named.insert(name.clone(), u32::MAX);
                let at = self.reference(module, module.types.get(name).unwrap_or_else(|| panic!("no type {name}")));
                self.named.insert(name.clone(), at);
                at
            }
        }
    }

    fn list(&mut self, (min, max): Size, element: u32) -> u32 {
        if max == Some(min) && element & FIXED != 0 && min < 65536 {
            return FIXED | (min as u32 * (element & !FIXED));
        }
        assert_ne!(element, FIXED, "a list of things that take no bits");
        self.node(vec![LIST, min as u32, max.map_or(u32::MAX, |m| m as u32), element])
    }

    fn components(&mut self, module: &Module, list: &[Component]) -> Vec<u32> {
        list.iter().map(|c| self.component(module, c) | if c.optional { OPTIONAL } else { 0 }).collect()
    }

    fn component(&mut self, module: &Module, c: &Component) -> u32 {
        match &c.ty {
            _ if c.name == "nonCriticalExtension" => self.node(vec![TAIL]),
            Type::Seq { root, ext: None } if root.is_empty() && c.name == "dummy" => FIXED,
            ty => self.reference(module, ty),
        }
    }
}

fn head(count: usize, extensible: bool) -> u32 {
    assert!(count < 256);
    (count as u32) << 8 | u32::from(extensible) << 16
}
