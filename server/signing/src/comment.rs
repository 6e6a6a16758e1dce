//! The trusted comment of a signature: `name vsn seq=7 from=1.0.0,1.1.0 abi=4`.

use std::fmt;
use std::str::FromStr;

/// The statements of a signature about its package. Unknown statements of newer programs are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The name of the release.
    pub name: String,
    /// The version of the release.
    pub vsn: String,
    /// The number of the package. The numbers of an author's packages only rise.
    pub seq: u64,
    /// The versions from which the release has a relup.
    pub from: Vec<String>,
    /// The version of the boundary between node and libraries; `None` for a release without libraries.
    pub abi: Option<u64>,
}

/// The comment says not which release the package is. Displays as a clause about a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the comment of its signature is `{0}`; `name version seq=NUMBER` would be right")]
pub struct NoComment(String);

impl fmt::Display for Comment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} seq={}", self.name, self.vsn, self.seq)?;
        if !self.from.is_empty() {
            write!(f, " from={}", self.from.join(","))?;
        }
        self.abi.map_or(Ok(()), |abi| write!(f, " abi={abi}"))
    }
}

impl FromStr for Comment {
    type Err = NoComment;

    fn from_str(text: &str) -> Result<Comment, NoComment> {
        read(text).ok_or_else(|| NoComment(text.escape_debug().to_string()))
    }
}

fn read(text: &str) -> Option<Comment> {
    let mut words = text.split_whitespace();
    let (name, vsn) = (words.next()?, words.next()?);
    let statements: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
    let said = |key| statements.iter().find(|(word, _)| *word == key);
    let from = said("from").map_or("", |(_, versions)| *versions);
    let from = from.split(',').filter(|vsn| !vsn.is_empty());
    Some(Comment {
        name: name.to_string(),
        vsn: vsn.to_string(),
        seq: said("seq")?.1.parse().ok()?,
        from: from.map(str::to_string).collect(),
        abi: said("abi").and_then(|(_, abi)| abi.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_read_as_it_is_written() {
        let comment = Comment {
            name: "pq".to_string(),
            vsn: "1.1.0".to_string(),
            seq: 7,
            from: vec!["1.0.0".to_string(), "1.0.1".to_string()],
            abi: Some(4),
        };
        assert_eq!(comment.to_string(), "pq 1.1.0 seq=7 from=1.0.0,1.0.1 abi=4");
        assert_eq!(comment.to_string().parse(), Ok(comment));
        let short: Comment = "pq 1.1.0 seq=0 by=a".parse().unwrap();
        assert_eq!(short.to_string(), "pq 1.1.0 seq=0");
        for text in [
            "",
            "pq 1.1.0",
            "pq seq=1",
            "pq 1.1.0 seq=-1",
            "timestamp:1 file:a",
        ] {
            assert!(text.parse::<Comment>().is_err(), "{text}");
        }
    }
}
