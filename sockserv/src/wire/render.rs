//! Text to the bytes of the wire, as it should look at one client.
//!
//! A line ends with `\r\n` there (RFC 854, "The NVT printer and keyboard"). Styles become the sequences of
//! ECMA-48 that the client has, or nothing. No other character that a terminal would obey gets through,
//! whoever wrote it: controls, C1 controls and overrides of the direction become U+FFFD.
//!
//! Pure. Tags are read in `markup`; who looks at the text is known in `client`.

use crate::wire::charset::Charset;
use crate::wire::client::{Colours, Look, Reader};
use crate::wire::markup::{Colour, Edge, Part, Tag, parts};

mod palette;

use palette::{among_16, among_256};

/// Writes one text.
#[derive(Debug)]
pub struct Pen {
    look: Look,
    wire: Vec<u8>,
    is_styled: bool,
    is_picture: bool,
    end: Option<LineEnd>,
}

/// How a text leaves the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineEnd {
    /// It ends with a line end.
    Whole,
    /// It does not.
    Open,
}

impl Pen {
    /// For a text that should look like this, and is about so long.
    pub fn new(look: Look, len: usize) -> Pen {
        Pen {
            look,
            wire: Vec::with_capacity(len + len / 16 + 2),
            is_styled: false,
            is_picture: false,
            end: None,
        }
    }

    /// Text in the style that is set. A byte that is not UTF-8 becomes U+FFFD.
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

    /// A tag that is about the look of the text; others do nothing here.
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
            Tag::Secret(_) | Tag::Gmcp(_) => {}
        }
    }

    /// Bytes of the wire between two pieces of text.
    pub fn raw(&mut self, wire: &[u8]) {
        self.wire.extend_from_slice(wire);
    }

    /// The bytes of the wire, and how they leave the line; `None` when they show nothing.
    pub fn finish(mut self) -> (Vec<u8>, Option<LineEnd>) {
        self.plain();
        (self.wire, self.end)
    }

    fn character(&mut self, c: char) {
        match c {
            ' '..='~' | '\t' => self.wire.push(c as u8),
            '\n' => self.wire.extend_from_slice(b"\r\n"),
            // Of a line end, which has been written whole, or a way back to the front of the line.
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

    /// Sets a style: Select Graphic Rendition of ECMA-48.
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

/// A text that has nothing but looks. What it says about secrets and messages is left out.
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

/// Characters that are not seen but obeyed: controls, and those that turn the direction of writing or break lines
/// (Unicode Standard Annex 9, "Directional Formatting Characters").
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The code of a colour, or of the nearest that there is.
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
