//! Makes a line fit to be kept: no secrets, no field of megabytes.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::MASK;

/// A text field of a line is cut after this many bytes (RELIABILITY F65: the output of a tool filled the disk).
pub const FIELD_BYTES_MAX: usize = 8 * 1024;

/// A line is looked into when it is longer than this.
const LINE_BYTES_MAX: usize = FIELD_BYTES_MAX;

/// A shorter secret is left alone: hiding it would hide half of the log, and it protects nothing.
const SECRET_BYTES_MIN: usize = 6;

/// What must not be written, in the forms in which it could appear.
#[derive(Debug, Default)]
pub(super) struct Secrets(Vec<Vec<u8>>);

impl Secrets {
    pub(super) fn new(values: Vec<String>) -> Self {
        let long = values.into_iter().filter(|value| value.len() >= SECRET_BYTES_MIN);
        let mut forms: Vec<_> =
            long.flat_map(|value| [in_json(&value), value]).map(String::into_bytes).collect();
        // The longest first, so that a secret that contains another one is hidden as a whole.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        Self(forms)
    }

    fn hide(&self, line: &mut Vec<u8>) {
        for secret in &self.0 {
            let mut from = 0;
            while let Some(found) =
                line[from..].windows(secret.len()).position(|window| window == secret.as_slice())
            {
                let start = from + found;
                line.splice(start..start + secret.len(), MASK.bytes());
                from = start + MASK.len();
            }
        }
    }
}

fn in_json(value: &str) -> String {
    let quoted = Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Makes writers that take one whole line each, clean it and pass it on.
#[derive(Debug, Clone)]
pub(super) struct CleanWriter<M> {
    inner: M,
    secrets: Arc<Secrets>,
}

impl<M> CleanWriter<M> {
    pub(super) fn new(inner: M, secrets: Arc<Secrets>) -> Self {
        Self { inner, secrets }
    }
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for CleanWriter<M> {
    type Writer = CleanLine<'a, M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        CleanLine { inner: self.inner.make_writer(), secrets: &self.secrets }
    }
}

/// The writer of one line.
#[derive(Debug)]
pub(super) struct CleanLine<'a, W> {
    inner: W,
    secrets: &'a Secrets,
}

impl<W: Write> Write for CleanLine<'_, W> {
    /// `tracing-subscriber` hands over an event in one call.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut clean = line.to_vec();
        self.secrets.hide(&mut clean);
        if clean.len() > LINE_BYTES_MAX {
            clean = shortened(&clean);
        }
        self.inner.write_all(&clean)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Cuts the long texts of a line of JSON, which stays JSON; any other line is cut as a whole.
fn shortened(line: &[u8]) -> Vec<u8> {
    if let Ok(mut value) = serde_json::from_slice::<Value>(line) {
        cut_fields(&mut value);
        let mut line = value.to_string().into_bytes();
        line.push(b'\n');
        line
    } else {
        let mut text = String::from_utf8_lossy(line).into_owned();
        cut(&mut text);
        text.push('\n');
        text.into_bytes()
    }
}

fn cut_fields(value: &mut Value) {
    match value {
        Value::String(text) => cut(text),
        Value::Array(items) => items.iter_mut().for_each(cut_fields),
        Value::Object(fields) => fields.values_mut().for_each(cut_fields),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn cut(text: &mut String) {
    if text.len() > FIELD_BYTES_MAX {
        let bytes = text.len();
        text.truncate(text.floor_char_boundary(FIELD_BYTES_MAX));
        *text = format!("{text}… ({bytes} bytes)");
    }
}
