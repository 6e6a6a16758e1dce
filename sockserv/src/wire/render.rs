//! Turns a text with markup into the bytes for one client.
//!
//! On the wire a line ends with `\r\n` (RFC 854, "The NVT printer and keyboard"). Styles become the sequences of
//! ECMA-48 that the client supports, or nothing. No other character that a terminal would execute reaches the client:
//! controls, C1 controls and overrides of the direction become U+FFFD.
//!
//! Pure. `markup` parses the tags; `client` knows the properties of the reader.

use crate::wire::charset::Charset;
use crate::wire::client::{Colours, Look, Reader};
use crate::wire::markup::{Colour, Edge, Part, Tag, parts};

mod palette;

use palette::{among_16, among_256};

/// The state of the conversion of one text.
#[derive(Debug)]
pub struct Pen {
    look: Look,
    wire: Vec<u8>,
    is_styled: bool,
    is_picture: bool,
    end: Option<LineEnd>,
}

/// The position in the line behind a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineEnd {
    /// The text ends with a line end.
    Whole,
    /// The last line of the text has no end.
    Open,
}

impl Pen {
    /// A conversion to this look, with a buffer for about `len` bytes.
    pub fn new(look: Look, len: usize) -> Pen {
        Pen {
            look,
            wire: Vec::with_capacity(len + len / 16 + 2),
            is_styled: false,
            is_picture: false,
            end: None,
        }
    }

    /// Adds text in the current style. A byte that is not UTF-8 becomes U+FFFD.
    pub fn text(&mut self, text: &[u8]) {
        if self.is_picture && self.look.reader == Reader::Screen {
            return;
        }
        for chunk in text.utf8_chunks() {
            chunk.valid().chars().for_each(|c| self.character(c));
            if !chunk.invalid().is_empty() {
                self.character(char::REPLACEMENT_CHARACTER);
            }
        }
    }

    /// Applies a tag that concerns the look of the text; other tags have no effect here.
    pub fn tag(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Plain => self.plain(),
            Tag::Bold => self.style("1"),
            Tag::Underline => self.style("4"),
            Tag::Colour(colour) => {
                if let Some(code) = code(colour, self.look.colours) {
                    self.style(&code);
                }
            }
            Tag::Picture(edge) => self.is_picture = edge == Edge::Begin,
            Tag::Secret(_) | Tag::Sealed | Tag::Login | Tag::Gmcp(_) => {}
        }
    }

    /// Adds bytes of the wire between two pieces of text.
    pub fn raw(&mut self, wire: &[u8]) {
        self.wire.extend_from_slice(wire);
    }

    /// The bytes of the wire, and the position in the line behind them; `None` when they show nothing.
    pub fn finish(mut self) -> (Vec<u8>, Option<LineEnd>) {
        self.plain();
        (self.wire, self.end)
    }

    fn character(&mut self, c: char) {
        match c {
            ' '..='~' | '\t' => self.wire.push(c as u8),
            '\n' => self.wire.extend_from_slice(b"\r\n"),
            // Part of a line end, which is written with `\n`, or a return to the front of the line.
            '\r' => return,
            _ => self.rare(c),
        }
        self.end = Some(match c {
            '\n' => LineEnd::Whole,
            _ => LineEnd::Open,
        });
    }

    fn rare(&mut self, c: char) {
        let shown = match is_obeyed(c) {
            true => char::REPLACEMENT_CHARACTER,
            false => c,
        };
        match self.look.charset {
            Charset::Utf8 => {
                let mut space = [0; 4];
                self.wire
                    .extend_from_slice(shown.encode_utf8(&mut space).as_bytes());
            }
            Charset::Ascii => self.wire.push(b'?'),
        }
    }

    /// Adds a style: Select Graphic Rendition of ECMA-48.
    fn style(&mut self, code: &str) {
        let has_styles = self.look.colours > Colours::None && self.look.reader == Reader::Eyes;
        if has_styles {
            self.is_styled = true;
            self.wire
                .extend_from_slice(format!("\x1b[{code}m").as_bytes());
        }
    }

    fn plain(&mut self) {
        if std::mem::take(&mut self.is_styled) {
            self.wire.extend_from_slice(b"\x1b[0m");
        }
    }
}

/// Converts a text in which only the look matters. Secrets and messages are left out.
pub fn render(text: &[u8], look: Look) -> Vec<u8> {
    let mut pen = Pen::new(look, text.len());
    for part in parts(text) {
        match part {
            Part::Text(text) => pen.text(text),
            Part::Tag(tag) => pen.tag(tag),
        }
    }
    pen.finish().0
}

/// Whether a terminal executes this character instead of showing it: controls, and characters that change the writing
/// direction or break lines (Unicode Standard Annex 9, "Directional Formatting Characters").
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The code of a colour, or of the nearest colour that the client supports.
fn code(colour: Colour, colours: Colours) -> Option<String> {
    let named = |number: u8| match number {
        0..8 => 30 + number,
        _ => 82 + number,
    };
    match (colour, colours) {
        (_, Colours::None) => None,
        (Colour::Named(number), _) => Some(named(number).to_string()),
        (Colour::Rgb(rgb), Colours::Sixteen) => Some(named(among_16(rgb)).to_string()),
        (Colour::Rgb(rgb), Colours::Palette) => Some(format!("38;5;{}", among_256(rgb))),
        (Colour::Rgb([red, green, blue]), Colours::True) => {
            Some(format!("38;2;{red};{green};{blue}"))
        }
    }
}

#[cfg(test)]
mod tests;
