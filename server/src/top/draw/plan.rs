//! The places of all parts for a size, and the parts for which there is no room.

use ratatui::layout::Rect;

/// The smallest size with a list: the head, its heading, two rows and the foot.
pub(super) const WIDTH_MIN: u16 = 20;
pub(super) const HEIGHT_MIN: u16 = 7;

/// The lines of the head and of the foot.
const HEAD: u16 = 2;
const FOOT: u16 = 1;

/// A title, the names of the phases and their times.
const RAIL: u16 = 3;

/// The heights between head and foot from which on the rail and the notices are shown.
const RAIL_FROM: u16 = 12;
const NOTICES_FROM: u16 = 17;

/// The width from which on the crowd is shown, and its share of the width in tenths.
const CROWD_FROM: u16 = 70;
const CROWD_TENTHS: u16 = 3;

/// The places of all parts.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) head: Rect,
    /// All lines between head and foot.
    pub(super) middle: Rect,
    pub(super) processes: Rect,
    pub(super) crowd: Option<Rect>,
    pub(super) rail: Option<Rect>,
    pub(super) notices: Option<Rect>,
    /// The line that names the missing parts.
    pub(super) absent: Option<Rect>,
    pub(super) missing: Vec<&'static str>,
    pub(super) foot: Rect,
}

/// Places all parts; `None` if not even the list has room.
pub(super) fn plan(area: Rect) -> Option<Plan> {
    if area.width < WIDTH_MIN || area.height < HEIGHT_MIN {
        return None;
    }
    let (head, rest) = cut(area, HEAD);
    let (middle, foot) = cut(rest, rest.height - FOOT);
    let mut upper = middle;
    let mut missing = Vec::new();
    let mut below = |name, height: u16, from: u16| {
        if middle.height < from {
            missing.push(name);
            return None;
        }
        let (above, part) = cut(upper, upper.height - height);
        upper = above;
        Some(part)
    };
    let notices = below("notices", 2 + middle.height / 7, NOTICES_FROM);
    let rail = below("install", RAIL, RAIL_FROM);
    let has_crowd = area.width >= CROWD_FROM;
    if !has_crowd {
        missing.push("versions");
    }
    let absent = (!missing.is_empty()).then(|| {
        let (above, line) = cut(upper, upper.height - 1);
        upper = above;
        line
    });
    let (processes, crowd) = match has_crowd {
        true => beside(upper),
        false => (upper, None),
    };
    Some(Plan {
        head,
        middle,
        processes,
        crowd,
        rail,
        notices,
        absent,
        missing,
        foot,
    })
}

/// The first lines of an area, and the rest.
fn cut(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    let first = Rect { height, ..area };
    let rest = Rect {
        y: area.y + height,
        height: area.height - height,
        ..area
    };
    (first, rest)
}

/// The processes, and the crowd at their right with a column between.
fn beside(area: Rect) -> (Rect, Option<Rect>) {
    let width = area.width * CROWD_TENTHS / 10;
    let left = Rect {
        width: area.width - width - 1,
        ..area
    };
    let right = Rect {
        x: area.x + area.width - width,
        width,
        ..area
    };
    (left, Some(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_leaves_its_window_or_covers_another_at_any_size() {
        for (width, height) in (0..130).flat_map(|width| (0..70).map(move |height| (width, height)))
        {
            let area = Rect::new(0, 0, width, height);
            let Some(plan) = plan(area) else {
                assert!(width < WIDTH_MIN || height < HEIGHT_MIN);
                continue;
            };
            let parts = [
                Some(plan.head),
                Some(plan.processes),
                plan.crowd,
                plan.rail,
                plan.notices,
                plan.absent,
                Some(plan.foot),
            ];
            let parts: Vec<Rect> = parts.into_iter().flatten().collect();
            let cells = |part: &Rect| u32::from(part.width) * u32::from(part.height);
            assert!(parts.iter().all(|part| area.intersection(*part) == *part));
            let gap = plan.crowd.map_or(0, |crowd| u32::from(crowd.height));
            let covered: u32 = parts.iter().map(cells).sum();
            assert_eq!(covered + gap, cells(&area), "{width}x{height}");
            assert!(plan.processes.height >= 3, "{width}x{height}");
        }
    }
}
