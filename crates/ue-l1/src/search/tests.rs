use super::*;

#[test] // Spec: TS 38.104 table 5.4.3.3-1
fn captures_cover_the_raster_once() {
    for (bands, rate) in
        [(&[78u16][..], 61_440_000), (&[3, 79], 61_440_000), (&[78], 15_360_000), (&[78, 78], 122_880_000)]
    {
        let search = Search::new(bands, rate, Isa::Scalar);
        let points: usize = search.windows.iter().map(|w| w.places.len()).sum();
        let expected: usize = bands.iter().map(|b| Band::of(*b).unwrap().raster().count()).sum();
        assert_eq!(points, expected);
        let half = 0.45 * f64::from(rate);
        assert!(search.windows.iter().flat_map(|w| &w.places).all(|p| p.abs() + 3.6e6 < half));
    }
}

#[test] // Spec: TS 38.104 §5.2
fn bands_and_rates_that_cannot_be_searched_are_left_out() {
    assert!(Search::new(&[1234], 61_440_000, Isa::Scalar).is_empty());
    assert!(Search::new(&[78], 10_000_000, Isa::Scalar).is_empty());
    let mut search = Search::new(&[], 61_440_000, Isa::Scalar);
    assert!(matches!(search.receive(&[Cf32::default(); 4], 0), Outcome::Nothing));
}

#[test] // Spec: TS 38.213 §4.1 (what is no number is no cell)
fn samples_that_are_no_numbers_find_nothing() {
    let mut search = Search::new(&[79], 61_440_000, Isa::Scalar);
    let bad = vec![Cf32::new(f32::NAN, f32::INFINITY); 61_440];
    let mut count = 0;
    while search.rounds() == 0 {
        let n = search.need().min(bad.len());
        assert!(!matches!(search.receive(&bad[..n], count), Outcome::Found(_)));
        count += n as i64;
    }
}

#[test] // Spec: TS 38.213 §4.1
fn a_search_goes_on_where_a_cell_was() {
    let mut search = Search::new(&[78], 61_440_000, Isa::Scalar);
    search.prefer(gscn_hz(7839).unwrap());
    assert!((search.centre_hz() - gscn_hz(7839).unwrap()).abs() < 25e6);
}
