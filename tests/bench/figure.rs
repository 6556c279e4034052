//! A figure: what was measured, against what, and whether the goal is kept. And the table of them.

use serde_json::{Value, json};

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// What it is measured against.
    pub against: String,
    /// What was measured, in words.
    pub value: String,
    /// What is promised; empty: nothing, it is told.
    pub goal: String,
    /// Whether that is kept; none: nothing is promised, or nothing was measured.
    pub kept: Option<bool>,
    /// The numbers, by name.
    pub numbers: Vec<(&'static str, f64)>,
}

impl Figure {
    /// A figure that is told.
    pub fn told(name: &str, against: &str, value: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            against: against.to_owned(),
            value: value.into(),
            goal: String::new(),
            kept: None,
            numbers: Vec::new(),
        }
    }

    /// A figure that could not be measured, and why: said aloud.
    pub fn not_measured(name: &str, why: &str) -> Self {
        Self::told(name, "", format!("NOT MEASURED: {why}"))
    }

    /// With its goal.
    #[must_use]
    pub fn goal(mut self, goal: &str, kept: bool) -> Self {
        goal.clone_into(&mut self.goal);
        self.kept = Some(kept);
        self
    }

    /// With a number for whoever compares runs.
    #[must_use]
    pub fn number(mut self, name: &'static str, number: f64) -> Self {
        self.numbers.push((name, number));
        self
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let numbers: serde_json::Map<_, _> =
            self.numbers.iter().map(|(name, number)| ((*name).to_owned(), json!(number))).collect();
        json!({ "figure": self.name, "against": self.against, "value": self.value, "goal": self.goal,
                "kept": self.kept, "numbers": numbers })
    }
}

/// The figures, aligned for a terminal, as Markdown.
pub fn table(figures: &[Figure]) -> String {
    let head = ["figure", "measured", "against", "goal", "kept"].map(str::to_owned);
    let row = |figure: &Figure| {
        let kept = match figure.kept {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "–",
        };
        [
            figure.name.clone(),
            figure.value.clone(),
            figure.against.clone(),
            figure.goal.clone(),
            kept.to_owned(),
        ]
    };
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(figures.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(&format!("| {cell:<width$} "));
        }
        text.push_str("|\n");
        if number == 0 {
            for width in &widths {
                text.push_str(&format!("|{}", "-".repeat(width + 2)));
            }
            text.push_str("|\n");
        }
    }
    text
}
