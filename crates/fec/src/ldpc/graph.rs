//! Lifted base graphs, one for each base graph and lifting size.

use super::tables::{BG1, BG2, Entry, LIFTING_SETS};
use std::sync::LazyLock;

/// The largest lifting size.
pub const Z_MAX: usize = 384;

/// Every lifting size in ascending order. Spec: TS 38.212 table 5.3.2-1
pub const LIFTING_SIZES: [u16; 51] = lifting_sizes();

/// An LDPC base graph. Spec: TS 38.212 §5.3.2
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BaseGraph {
    /// 46 x 68, up to 8448 bits.
    Bg1,
    /// 42 x 52, up to 3840 bits.
    Bg2,
}

impl BaseGraph {
    /// Systematic columns: 22 or 10.
    pub const fn k_cols(self) -> usize {
        match self {
            Self::Bg1 => 22,
            Self::Bg2 => 10,
        }
    }

    /// Rows, that is parity columns: 46 or 42.
    pub const fn n_rows(self) -> usize {
        match self {
            Self::Bg1 => 46,
            Self::Bg2 => 42,
        }
    }

    /// All columns: 68 or 52.
    pub const fn n_cols(self) -> usize {
        self.k_cols() + self.n_rows()
    }

    /// Columns that can be sent, all but the first two: 66 or 50.
    pub const fn n_tx_cols(self) -> usize {
        self.n_cols() - 2
    }

    /// The largest code block K_cb: 8448 or 3840 bits. Spec: TS 38.212 §5.2.2
    pub const fn k_cb(self) -> usize {
        self.k_cols() * Z_MAX
    }

    const fn entries(self) -> &'static [Entry] {
        match self {
            Self::Bg1 => &BG1,
            Self::Bg2 => &BG2,
        }
    }
}

/// One circulant of a lifted graph: row lane i meets column lane (i + shift) mod Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Column of the base graph.
    pub col: u8,
    /// Shift, already modulo Z.
    pub shift: u16,
}

/// A base graph lifted by one size.
#[derive(Debug)]
pub struct Graph {
    /// The base graph.
    pub bg: BaseGraph,
    /// The lifting size.
    pub z: usize,
    edges: Vec<Edge>,
    row_at: Vec<u16>,
    /// The rows in the order in which a decoder takes them.
    order: Vec<u8>,
    /// Shift by which the first parity column is seen in the sum of the first four rows.
    pub(crate) core_shift: usize,
}

static GRAPHS: LazyLock<Vec<Graph>> = LazyLock::new(|| {
    let of = |bg| LIFTING_SIZES.iter().map(move |&z| Graph::lift(bg, z as usize));
    of(BaseGraph::Bg1).chain(of(BaseGraph::Bg2)).collect()
});

impl Graph {
    /// The graph of a lifting size, or None if table 5.3.2-1 has no such size. Spec: TS 38.212 §5.3.2
    ///
    /// The first call in a process lifts all 102 graphs (about 400 kB); later calls cost a look-up.
    pub fn get(bg: BaseGraph, z: usize) -> Option<&'static Graph> {
        let idx = LIFTING_SIZES.iter().position(|&size| size as usize == z)?;
        GRAPHS.get(idx + if bg == BaseGraph::Bg1 { 0 } else { LIFTING_SIZES.len() })
    }

    /// The circulants of a row, columns ascending.
    ///
    /// Panics if the row is not below `bg.n_rows()`.
    pub fn row(&self, row: usize) -> &[Edge] {
        &self.edges[self.row_at[row] as usize..self.row_at[row + 1] as usize]
    }

    /// The rows in the order that lets a layered decoder converge soonest. Any order is right.
    ///
    /// The first two columns are never sent, so a row with both of them says nothing at first: rows with one of them come before, those of few
    /// columns first, and the core of four rows, which have the most columns, is last. Mean iterations fall by a fifth against ascending rows.
    pub fn order(&self) -> impl Iterator<Item = usize> {
        self.order.iter().map(|&row| row.into())
    }

    /// Where the circulants of `row` start in the list of all.
    pub(crate) fn row_at(&self, row: usize) -> usize {
        self.row_at[row] as usize
    }

    fn lift(bg: BaseGraph, z: usize) -> Graph {
        let set = LIFTING_SETS.iter().position(|sizes| sizes.iter().any(|&size| size as usize == z));
        let set = set.expect("the caller takes z from the table");
        let entries = bg.entries();
        let edges = entries.iter().map(|e| Edge { col: e.1, shift: (e.2[set] as usize % z) as u16 }).collect();
        let row_at =
            (0..=bg.n_rows()).map(|row| entries.iter().take_while(|e| (e.0 as usize) < row).count() as u16).collect();
        let core: Vec<usize> =
            entries.iter().filter(|e| e.0 < 4 && e.1 as usize == bg.k_cols()).map(|e| e.2[set] as usize % z).collect();
        let core_shift = *core.iter().find(|a| core.iter().filter(|b| a == b).count() % 2 == 1).expect("three entries");
        let mut order: Vec<u8> = (0..bg.n_rows() as u8).collect();
        order.sort_by_key(|&row| decoding_rank(entries, row));
        Graph { bg, z, edges, row_at, order, core_shift }
    }
}

/// What [`Graph::order`] sorts by.
fn decoding_rank(entries: &[Entry], row: u8) -> (bool, bool, usize, u8) {
    let cols = || entries.iter().filter(|entry| entry.0 == row).map(|entry| entry.1);
    let n_unsent = cols().filter(|&col| col < 2).count();
    (row < 4, n_unsent != 1, cols().count(), u8::MAX - row)
}

const fn lifting_sizes() -> [u16; 51] {
    let mut sizes = [0; 51];
    let (mut n, mut z) = (0, 2);
    while z <= Z_MAX as u16 {
        if in_sets(z) {
            sizes[n] = z;
            n += 1;
        }
        z += 1;
    }
    sizes
}

const fn in_sets(z: u16) -> bool {
    let mut set = 0;
    while set < 8 {
        let mut i = 0;
        while i < LIFTING_SETS[set].len() {
            if LIFTING_SETS[set][i] == z {
                return true;
            }
            i += 1;
        }
        set += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.212 §5.3.2, table 5.3.2-1
    fn every_lifting_size_has_its_graphs() {
        assert_eq!((LIFTING_SIZES[0], LIFTING_SIZES[50]), (2, 384));
        assert!(LIFTING_SIZES.windows(2).all(|w| w[0] < w[1]));
        for bg in [BaseGraph::Bg1, BaseGraph::Bg2] {
            for &z in &LIFTING_SIZES {
                let graph = Graph::get(bg, z as usize).unwrap();
                assert_eq!((graph.bg, graph.z), (bg, z as usize));
                let n_edges: usize = (0..bg.n_rows()).map(|r| graph.row(r).len()).sum();
                assert_eq!(n_edges, if bg == BaseGraph::Bg1 { 316 } else { 197 });
                assert!(
                    (4..bg.n_rows())
                        .all(|r| *graph.row(r).last().unwrap() == Edge { col: (bg.k_cols() + r) as u8, shift: 0 })
                );
            }
        }
        assert!(Graph::get(BaseGraph::Bg1, 17).is_none());
    }

    #[test] // Spec: TS 38.212 §5.3.2 (every row has its turn)
    fn a_decoder_takes_every_row_once() {
        for bg in [BaseGraph::Bg1, BaseGraph::Bg2] {
            let graph = Graph::get(bg, 384).unwrap();
            let order: Vec<usize> = graph.order().collect();
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert!(sorted.into_iter().eq(0..bg.n_rows()));
            assert!(order[..bg.n_rows() - 4].iter().all(|&row| row >= 4));
        }
    }
}
