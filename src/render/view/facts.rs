//! Numbers, times and names in few characters.

use std::time::Duration;

use super::{View, escape, one_line};

/// `3s`, `1m 12s`, `1h 05m`.
pub fn duration(duration: Duration) -> String {
    let secs = duration.as_secs();
    match secs {
        0 => "<1s".to_owned(),
        1..60 => format!("{secs}s"),
        60..3600 => format!("{}m {:02}s", secs / 60, secs % 60),
        _ => format!("{}h {:02}m", secs / 3600, secs % 3600 / 60),
    }
}

/// The time that a status line shows: it changes every 5 s in the first minute and every 10 s after it, because each
/// change costs an edit. Nothing in the first 5 s.
pub(super) fn elapsed(elapsed: Duration) -> Option<String> {
    let secs = elapsed.as_secs();
    let step = if secs < 60 { 5 } else { 10 };
    let rounded = secs - secs % step;
    (rounded > 0).then(|| duration(Duration::from_secs(rounded)))
}

/// `987`, `12.3k`, `1.2M`.
pub fn count(n: u64) -> String {
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => format!("{}.{}k", n / 1_000, n % 1_000 / 100),
        _ => format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

/// `$0.04`; nothing when it cost nothing.
pub fn money(usd: f64) -> Option<String> {
    if !usd.is_finite() || usd <= 0.0 {
        None
    } else if usd < 0.01 {
        Some("<$0.01".to_owned())
    } else {
        Some(format!("${usd:.2}"))
    }
}

/// `claude-sonnet-4-5-20250929[1m]` → `sonnet 4.5`; a name of another pattern stays.
pub(super) fn model(name: &str) -> String {
    let bare = name.split('[').next().unwrap_or(name);
    let parts: Vec<&str> = bare.split('-').filter(|part| *part != "claude").collect();
    let family = parts.iter().find(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase()));
    let version: Vec<&str> = parts
        .iter()
        .copied()
        .filter(|part| (1..=2).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit()))
        .collect();
    match family {
        Some(family) if bare.starts_with("claude-") && version.is_empty() => (*family).to_owned(),
        Some(family) if bare.starts_with("claude-") => format!("{family} {}", version.join(".")),
        _ => escape(&one_line(name, 40)),
    }
}

/// `plan mode`, `effort max`: what somebody chose, as far as it is not what the project has anyway.
pub(super) fn chosen(view: &View) -> Vec<String> {
    let unusual = view.mode.as_deref().zip(view.usual_mode).filter(|(mode, usual)| mode != usual);
    let mode = unusual.map(|(mode, _)| format!("{} mode", escape(&one_line(mode, 40))));
    let effort = view.effort.as_deref().map(|effort| format!("effort {}", escape(&one_line(effort, 20))));
    mode.into_iter().chain(effort).collect()
}

/// `, again <t:…:R>`: Discord shows each reader the time in their own zone.
pub(super) fn again_at(resets_at_secs: Option<i64>) -> String {
    resets_at_secs.map_or_else(String::new, |secs| format!("; it starts anew <t:{secs}:t> (<t:{secs}:R>)"))
}

/// Whether a text is what the CLI itself says of a failure (its README §11), not what Claude says.
pub(super) fn is_the_clis_error(text: &str) -> bool {
    const BEGINNINGS: [&str; 16] = [
        "API Error",
        "Not logged in",
        "Invalid API key",
        "Failed to authenticate",
        "Credit balance is too low",
        "Prompt is too long",
        "Request too large",
        "There's an issue with the selected model",
        "You've hit your",
        "You've reached your",
        "Claude usage limit reached",
        "Claude AI usage limit reached",
        "Request timed out",
        "Unable to connect to API",
        "Repeated 529",
        "Claude Code is unable to respond",
    ];
    let text = text.trim_start();
    text.len() < 2_000 && BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
}

/// The beginning of a text, at most so many bytes, cut between characters.
pub(super) fn at_most_bytes(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_characters() {
        let secs = Duration::from_secs;
        assert_eq!([0, 3, 72, 3_900].map(|n| duration(secs(n))), ["<1s", "3s", "1m 12s", "1h 05m"]);
        assert_eq!([0, 987, 12_345, 1_250_000].map(count), ["0", "987", "12.3k", "1.2M"]);
        assert_eq!(
            [0.0, 0.004, 0.04, 12.5, f64::NAN].map(money),
            [None, Some("<$0.01".into()), Some("$0.04".into()), Some("$12.50".into()), None]
        );
    }

    #[test]
    fn elapsed_time_changes_seldom() {
        let at = |n| elapsed(Duration::from_secs(n));
        assert_eq!(
            [4, 5, 9, 59, 60, 69, 70].map(at).map(Option::unwrap_or_default),
            ["", "5s", "5s", "55s", "1m 00s", "1m 00s", "1m 10s"]
        );
    }

    #[test]
    fn models_by_their_family() {
        let names = [
            "claude-sonnet-4-5-20250929",
            "claude-opus-4-8[1m]",
            "claude-3-5-haiku-20241022",
            "sonnet",
            "x*y",
        ];
        assert_eq!(names.map(model), ["sonnet 4.5", "opus 4.8", "haiku 3.5", "sonnet", "x\\*y"]);
    }
}
