//! The picture of a slot.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::view::{Carries, MEASURED_HZ, Seen, View, channel_hz, levels, limit_dbm};
use crate::lab::decode::{modulation, names};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Done = Result<(), Box<dyn std::error::Error>>;

const WIDTH: u32 = 1560;
const HEIGHT: u32 = 1120;
const HEAD: i32 = 84;
/// Height of the upper row.
const UPPER: u32 = 610;
/// dB below the strongest element at which a colour is palest.
const PALEST_DB: f32 = 24.0;
/// Text.
const INK: RGBColor = RGBColor(38, 44, 54);
const FAINT: RGBColor = RGBColor(222, 226, 232);
const BLUE: RGBColor = RGBColor(33, 99, 176);
const RED: RGBColor = RGBColor(200, 48, 56);

fn colour(what: Carries) -> RGBColor {
    match what {
        Carries::Nothing => RGBColor(250, 250, 251),
        Carries::Coreset => RGBColor(236, 232, 244),
        Carries::Sync => RGBColor(204, 80, 36),
        Carries::Pbch => RGBColor(240, 158, 84),
        Carries::Pdcch => RGBColor(122, 84, 176),
        Carries::PdcchDmrs => RGBColor(72, 40, 120),
        Carries::Pdsch(n) => {
            [RGBColor(44, 120, 190), RGBColor(38, 150, 132), RGBColor(96, 150, 60)][usize::from(n) % 3]
        }
        Carries::PdschDmrs => RGBColor(16, 44, 92),
        Carries::CsiRs => RGBColor(214, 60, 130),
    }
}

fn pale(c: RGBColor, weight: f32) -> RGBColor {
    let mix = |x: u8| (255.0 - (255.0 - f32::from(x)) * weight) as u8;
    RGBColor(mix(c.0), mix(c.1), mix(c.2))
}

/// The picture as an SVG document.
pub fn svg(view: &View, source: &str) -> Result<String, String> {
    let mut text = String::new();
    draw(&mut text, view, source).map_err(|e| format!("the picture cannot be drawn: {e}"))?;
    Ok(text)
}

fn draw(text: &mut String, view: &View, source: &str) -> Done {
    let root = SVGBackend::with_string(text, (WIDTH, HEIGHT)).into_drawing_area();
    root.fill(&WHITE)?;
    head(&root, view, source)?;
    let part = |x: i32, y: i32, w: u32, h: u32| root.clone().shrink((x, y), (w, h));
    elements(&part(10, HEAD, 620, UPPER), view)?;
    close(&part(640, HEAD, 380, UPPER), view)?;
    let low = HEAD + UPPER as i32 + 8;
    let height = HEIGHT - low as u32 - 8;
    match &view.seen {
        Some(seen) => {
            constellation(&part(1030, HEAD, 520, UPPER), seen)?;
            channel(&part(10, low, 500, height), view, seen)?;
            echoes(&part(520, low, 400, height), seen)?;
        }
        None => {
            let area = part(1030, HEAD, 520, UPPER);
            area.draw(&Text::new("no PDSCH in this slot", (170, 290), ("sans-serif", 18).into_font().color(&INK)))?;
        }
    }
    spectrum(&part(930, low, 620, height), view)?;
    root.present()?;
    Ok(())
}

fn head(root: &Area<'_>, view: &View, source: &str) -> Done {
    let dl = &view.cell.dl;
    let title = format!(
        "PCI {}, SFN {} slot {}: {} RB of {} kHz, {:.0} MHz",
        view.cell.pci,
        view.slot.sfn(),
        view.slot.slot(),
        dl.n_rb,
        dl.numerology.scs_khz(),
        channel_hz(&view.cell) * 1e-6
    );
    root.draw(&Text::new(title, (20, 12), ("sans-serif", 24).into_font().style(FontStyle::Bold).color(&INK)))?;
    root.draw(&Text::new(source.to_owned(), (760, 18), ("sans-serif", 15).into_font().color(&INK)))?;
    let mut entries: Vec<(Carries, String)> = Vec::new();
    let there = |c: Carries| view.carries.iter().flatten().any(|x| *x == c);
    for (c, name) in [
        (Carries::Sync, "PSS, SSS"),
        (Carries::Pbch, "PBCH"),
        (Carries::Coreset, "CORESET"),
        (Carries::Pdcch, "PDCCH"),
        (Carries::PdcchDmrs, "its DM-RS"),
        (Carries::PdschDmrs, "DM-RS of PDSCH"),
        (Carries::CsiRs, "CSI-RS"),
    ] {
        if there(c) {
            entries.push((c, name.into()));
        }
    }
    for (i, p) in view.pdschs.iter().enumerate() {
        let crc = if p.result.crc_ok { "" } else { " (CRC wrong)" };
        entries.push((Carries::Pdsch(i as u8), format!("PDSCH {} {}{crc}", names::rnti_type(p.kind), p.pdu.rnti)));
    }
    let mut x = 20;
    for (c, name) in entries {
        root.draw(&Rectangle::new([(x, 52), (x + 18, 68)], colour(c).filled()))?;
        let width = 40 + 8 * name.len() as i32;
        root.draw(&Text::new(name, (x + 25, 52), ("sans-serif", 15).into_font().color(&INK)))?;
        x += width;
    }
    root.draw(&Text::new("paler: weaker", (x + 10, 52), ("sans-serif", 15).into_font().color(&INK.mix(0.6))))?;
    Ok(())
}

fn strongest(view: &View) -> f32 {
    view.power.iter().flatten().fold(f32::MIN_POSITIVE, |m, p| m.max(*p))
}

fn shade(what: Carries, power: f32, strongest: f32) -> RGBColor {
    if matches!(what, Carries::Nothing | Carries::Coreset) {
        return colour(what);
    }
    let db = 10.0 * (power.max(f32::MIN_POSITIVE) / strongest).log10();
    // In steps, so that neighbours of one kind become one rectangle.
    let weight = ((1.0 + db / PALEST_DB).clamp(0.0, 1.0) * 12.0).round() / 12.0;
    pale(colour(what), 0.25 + 0.75 * weight)
}

/// The whole carrier: power is the mean of what an RB carries of one kind.
fn elements(area: &Area<'_>, view: &View) -> Done {
    let n_rb = f64::from(view.cell.dl.n_rb);
    let mut chart = ChartBuilder::on(area)
        .caption("Resource grid", ("sans-serif", 17).into_font().color(&INK))
        .margin(6)
        .x_label_area_size(38)
        .y_label_area_size(46)
        .build_cartesian_2d(0.0..14.0, 0.0..n_rb)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .x_desc("OFDM symbol")
        .y_desc("resource block")
        .x_labels(14)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .label_style(("sans-serif", 13).into_font().color(&INK))
        .draw()?;
    let top = strongest(view);
    let mut rectangles = Vec::new();
    for (l, (row, power)) in view.carries.iter().zip(&view.power).enumerate() {
        let mut runs: Vec<(usize, usize, RGBColor)> = Vec::new();
        for (rb, (cells, power)) in row.chunks_exact(12).zip(power.chunks_exact(12)).enumerate() {
            for (k, what) in cells.iter().enumerate() {
                let same = || cells.iter().zip(power).filter(|(c, _)| *c == what).map(|(_, p)| *p);
                let shade = shade(*what, same().sum::<f32>() / same().count().max(1) as f32, top);
                let at = rb * 12 + k;
                match runs.last_mut() {
                    Some(run) if run.1 == at && run.2 == shade => run.1 = at + 1,
                    _ => runs.push((at, at + 1, shade)),
                }
            }
        }
        let x = l as f64;
        rectangles.extend(runs.into_iter().map(|(from, to, c)| {
            Rectangle::new([(x + 0.03, from as f64 / 12.0), (x + 0.97, to as f64 / 12.0)], c.filled())
        }));
    }
    chart.draw_series(rectangles)?;
    Ok(())
}

/// Two resource blocks, element by element.
fn close(area: &Area<'_>, view: &View) -> Done {
    let middle = view.seen.as_ref().and_then(|s| {
        let rbs: Vec<u16> = s.pdsch.pdu.rbs.iter().collect();
        rbs.get((rbs.len().max(1) - 1) / 2).copied()
    });
    let busiest = || view.dcis.first().map(|d| d.coreset.start_rb);
    let first = middle.or_else(busiest).unwrap_or(view.cell.dl.n_rb / 2).min(view.cell.dl.n_rb.saturating_sub(2));
    let mut chart = ChartBuilder::on(area)
        .caption(format!("Resource blocks {first} and {}", first + 1), ("sans-serif", 17).into_font().color(&INK))
        .margin(6)
        .x_label_area_size(38)
        .y_label_area_size(42)
        .build_cartesian_2d(0.0..14.0, 0.0..24.0)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .x_desc("OFDM symbol")
        .y_desc("subcarrier")
        .x_labels(14)
        .y_labels(12)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .label_style(("sans-serif", 13).into_font().color(&INK))
        .draw()?;
    let top = strongest(view);
    let from = usize::from(first) * 12;
    let mut cells = Vec::new();
    for (l, (row, power)) in view.carries.iter().zip(&view.power).enumerate() {
        for (k, (what, power)) in row.iter().zip(power).skip(from).take(24).enumerate() {
            let (x, y) = (l as f64, k as f64);
            let at = [(x + 0.05, y + 0.06), (x + 0.95, y + 0.94)];
            cells.push(Rectangle::new(at, shade(*what, *power, top).filled()));
        }
    }
    chart.draw_series(cells)?;
    Ok(())
}

fn constellation(area: &Area<'_>, seen: &Seen) -> Done {
    let pdu = &seen.pdsch.pdu;
    let levels = levels(pdu.coding.q_m);
    let reach = f64::from(levels.last().copied().unwrap_or(1.0)) + 0.45;
    let caption = format!(
        "PDSCH {}, {} bytes: EVM {:.1} %, {:.1} dB",
        modulation(pdu),
        seen.pdsch.bytes.len(),
        seen.evm_percent,
        -20.0 * (seen.evm_percent.max(1e-6) / 100.0).log10()
    );
    let (w, h) = area.dim_in_pixel();
    let spare = h.saturating_sub(w) as i32;
    let mut chart = ChartBuilder::on(area)
        .caption(caption, ("sans-serif", 17).into_font().color(&INK))
        .margin(6)
        .margin_bottom(6 + spare.max(0))
        .x_label_area_size(38)
        .y_label_area_size(42)
        .build_cartesian_2d(-reach..reach, -reach..reach)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .x_desc("in phase")
        .y_desc("quadrature")
        .x_labels(7)
        .y_labels(7)
        .label_style(("sans-serif", 13).into_font().color(&INK))
        .draw()?;
    let dot = BLUE.mix(0.4).filled();
    let inside = |x: f32| f64::from(x).clamp(-reach, reach);
    chart.draw_series(seen.points.iter().map(|z| Circle::new((inside(z.re), inside(z.im)), 2, dot)))?;
    let ideal = levels.iter().flat_map(|i| levels.iter().map(move |q| (f64::from(*i), f64::from(*q))));
    chart.draw_series(ideal.map(|p| Cross::new(p, 4, RED.stroke_width(1))))?;
    Ok(())
}

fn channel(area: &Area<'_>, view: &View, seen: &Seen) -> Done {
    let (upper, lower) = area.split_vertically(area.dim_in_pixel().1 / 2);
    let mean =
        seen.channel.iter().map(|(_, h)| f64::from(h.norm_sqr())).sum::<f64>() / seen.channel.len().max(1) as f64;
    let rb = |k: usize| k as f64 / 12.0;
    let size: Vec<(f64, f64)> = seen
        .channel
        .iter()
        .map(|(k, h)| (rb(*k), 10.0 * (f64::from(h.norm_sqr()).max(1e-30) / mean.max(1e-30)).log10()))
        .collect();
    let phase: Vec<(f64, f64)> =
        seen.channel.iter().map(|(k, h)| (rb(*k), f64::from(h.im.atan2(h.re)).to_degrees())).collect();
    let lowest = size.iter().map(|p| p.1).fold(-3.0, f64::min).max(-40.0) - 1.0;
    let highest = size.iter().map(|p| p.1).fold(3.0, f64::max) + 1.0;
    let n_rb = f64::from(view.cell.dl.n_rb);
    let delay_ns = seen.pdsch.result.delay_s * 1e9;
    let rows = [
        (upper, format!("Channel by its DM-RS: delay {delay_ns:+.0} ns"), lowest..highest, "dB", size),
        (lower, String::new(), -180.0..180.0, "degrees", phase),
    ];
    for (i, (area, caption, y, unit, points)) in rows.into_iter().enumerate() {
        let mut builder = ChartBuilder::on(&area);
        builder.margin(6).y_label_area_size(50).x_label_area_size(if i == 1 { 38 } else { 16 });
        if i == 0 {
            builder.caption(caption, ("sans-serif", 17).into_font().color(&INK));
        }
        let mut chart = builder.build_cartesian_2d(0.0..n_rb, y)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(FAINT)
            .x_desc(if i == 1 { "resource block" } else { "" })
            .y_desc(unit)
            .y_labels(5)
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_label_formatter(&|y| format!("{y:.0}"))
            .label_style(("sans-serif", 13).into_font().color(&INK))
            .draw()?;
        chart.draw_series(points.iter().map(|p| Circle::new(*p, 1, BLUE.filled())))?;
    }
    Ok(())
}

fn echoes(area: &Area<'_>, seen: &Seen) -> Done {
    let top = seen.echoes.iter().map(|e| e.1).fold(1e-30, f64::max);
    let points: Vec<(f64, f64)> =
        seen.echoes.iter().map(|e| (e.0, (10.0 * (e.1.max(1e-30) / top).log10()).max(-50.0))).collect();
    let (from, to) = (points.first().map_or(0.0, |p| p.0), points.last().map_or(1.0, |p| p.0));
    let mut chart = ChartBuilder::on(area)
        .caption("The same over delay", ("sans-serif", 17).into_font().color(&INK))
        .margin(6)
        .x_label_area_size(38)
        .y_label_area_size(46)
        .build_cartesian_2d(from..to, -50.0..3.0)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .x_desc("microseconds")
        .y_desc("dB")
        .y_label_formatter(&|y| format!("{y:.0}"))
        .x_labels(7)
        .label_style(("sans-serif", 13).into_font().color(&INK))
        .draw()?;
    chart.draw_series([Polygon::new(closed(&points, -50.0), BLUE.mix(0.18))])?;
    chart.draw_series(LineSeries::new(points, BLUE.stroke_width(2)))?;
    Ok(())
}

/// A curve with the ground under it.
fn closed(points: &[(f64, f64)], floor: f64) -> Vec<(f64, f64)> {
    let ends = points.first().into_iter().chain(points.last());
    let (first, last) = (ends.clone().next().map(|p| (p.0, floor)), ends.last().map(|p| (p.0, floor)));
    first.into_iter().chain(points.iter().map(|p| (p.0, p.1.max(floor)))).chain(last).collect()
}

fn spectrum(area: &Area<'_>, view: &View) -> Done {
    let channel = channel_hz(&view.cell);
    let dbm = |p: f64| 10.0 * (p * view.unit_mw.unwrap_or(1.0)).max(1e-30).log10();
    let points: Vec<(f64, f64)> = view.spectrum.iter().map(|(hz, p)| (hz * 1e-6, dbm(*p))).collect();
    let top = points.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
    let top = if top.is_finite() { top } else { 0.0 };
    // A carrier whose resource blocks are all as strong as the block.
    let used = f64::from(view.cell.dl.n_rb) * 12.0;
    let rated_dbm = f64::from(view.cell.ssb.block_power_dbm) + 10.0 * used.log10();
    let mask: Vec<(f64, f64, &str)> = match view.unit_mw {
        Some(_) => points
            .iter()
            .map(|p| (p.0, p.0.abs() * 1e6 - channel / 2.0))
            .filter(|m| m.1 >= MEASURED_HZ / 2.0)
            .map(|(x, beyond)| (x, limit_dbm(beyond, rated_dbm).0, limit_dbm(beyond, rated_dbm).1))
            .collect(),
        None => Vec::new(),
    };
    let lowest = points.iter().map(|p| p.1).chain(mask.iter().map(|m| m.1)).fold(top, f64::min).max(top - 110.0) - 4.0;
    let (from, to) = (points.first().map_or(-1.0, |p| p.0), points.last().map_or(1.0, |p| p.0));
    let unit = if view.unit_mw.is_some() { "dBm in 100 kHz" } else { "dB in 100 kHz" };
    let caption = match mask.first() {
        Some(m) => format!("Spectrum, limit of TS 38.104 §6.6.4 ({})", m.2),
        None => "Spectrum".into(),
    };
    let mut chart = ChartBuilder::on(area)
        .caption(caption, ("sans-serif", 15).into_font().color(&INK))
        .margin(6)
        .x_label_area_size(38)
        .y_label_area_size(50)
        .build_cartesian_2d(from..to, lowest..top + 8.0)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .x_desc("MHz from the carrier's centre")
        .y_desc(unit)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .label_style(("sans-serif", 13).into_font().color(&INK))
        .draw()?;
    let floor = lowest;
    chart.draw_series([Polygon::new(closed(&points, floor), BLUE.mix(0.15))])?;
    chart.draw_series(LineSeries::new(points.iter().map(|p| (p.0, p.1.max(floor))), BLUE.stroke_width(1)))?;
    for edge in [-channel / 2e6, channel / 2e6].into_iter().filter(|e| (from..to).contains(e)) {
        let line = DashedLineSeries::new([(edge, floor), (edge, top + 8.0)], 5, 4, INK.mix(0.5).stroke_width(1));
        chart.draw_series(line)?;
    }
    for side in [-1.0, 1.0] {
        let part = mask.iter().filter(|m| m.0 * side > 0.0).map(|m| (m.0, m.1));
        chart.draw_series(LineSeries::new(part, RED.stroke_width(2)))?;
    }
    Ok(())
}
