//! Pictures of curves.

use plotters::prelude::*;

/// A curve of positive values.
pub struct Curve {
    /// For the legend.
    pub name: String,
    /// (x, y), y above 0.
    pub points: Vec<(f64, f64)>,
    /// Drawn as points between gaps.
    pub dashed: bool,
}

/// Curves over a linear x and a logarithmic y.
pub struct Plot {
    /// Title.
    pub title: String,
    /// Label of the x axis.
    pub x: String,
    /// Label of the y axis.
    pub y: String,
    /// The curves.
    pub curves: Vec<Curve>,
}

impl Plot {
    /// As an SVG document.
    ///
    /// Errors: no point to draw.
    pub fn svg(&self) -> Result<String, String> {
        let all = || self.curves.iter().flat_map(|c| c.points.iter());
        let x = all().fold((f64::INFINITY, f64::NEG_INFINITY), |r, p| (r.0.min(p.0), r.1.max(p.0)));
        let lowest = all().map(|p| p.1).fold(1.0, f64::min);
        if !x.0.is_finite() {
            return Err("no point has an error: nothing to draw; lower the SNR".into());
        }
        let x = if x.1 - x.0 < 1e-9 { x.0 - 1.0..x.0 + 1.0 } else { x.0..x.1 };
        let bottom = 10f64.powi((lowest.log10() - 0.01).floor() as i32).max(1e-8);
        let mut svg = String::new();
        self.draw(&mut svg, x, bottom).map_err(|e| e.to_string())?;
        Ok(svg)
    }

    fn draw(&self, svg: &mut String, x: std::ops::Range<f64>, bottom: f64) -> Result<(), Box<dyn std::error::Error>> {
        let area = SVGBackend::with_string(svg, (800, 560)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, ("sans-serif", 16))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(64)
            .build_cartesian_2d(x, (bottom..1.0).log_scale())?;
        chart.configure_mesh().x_desc(&self.x).y_desc(&self.y).y_label_formatter(&|v| format!("{v:.0e}")).draw()?;
        for (i, curve) in self.curves.iter().enumerate() {
            let style = Palette99::pick(i).stroke_width(2);
            let points = || curve.points.iter().copied();
            let series = if curve.dashed {
                chart.draw_series(DashedLineSeries::new(points(), 6, 4, style))?
            } else {
                chart.draw_series(points().map(|p| Circle::new(p, 3, style.filled())))?;
                chart.draw_series(LineSeries::new(points(), style))?
            };
            series.label(&curve.name).legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], style));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerLeft)
            .background_style(WHITE.mix(0.9))
            .border_style(BLACK)
            .draw()?;
        area.present()?;
        Ok(())
    }
}
