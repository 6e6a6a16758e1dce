//! The nearest colour in a palette.

/// Red, green and blue of the sixteen colours, as in xterm. Players choose their own, but hardly blue for red.
const SIXTEEN: [[u8; 3]; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

/// The levels of one component in xterm's cube of 216 colours.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The number of the nearest of the sixteen colours.
pub(super) fn among_16(rgb: [u8; 3]) -> u8 {
    nearest(rgb, (0..16).zip(SIXTEEN))
}

/// The number of the nearest colour in xterm's palette. Its first sixteen are left out, because players change those.
pub(super) fn among_256(rgb: [u8; 3]) -> u8 {
    nearest(rgb, (16..=255).map(|number| (number, of_number(number))))
}

/// The colour of a number from 16 on: first the cube, then shades of grey.
fn of_number(number: u8) -> [u8; 3] {
    let at = usize::from(number - 16);
    match at {
        0..216 => [at / 36, at / 6 % 6, at % 6].map(|step| STEPS[step]),
        _ => [8 + 10 * (number - 232); 3],
    }
}

fn nearest(rgb: [u8; 3], colours: impl Iterator<Item = (u8, [u8; 3])>) -> u8 {
    let distance = |other: [u8; 3]| -> u32 {
        rgb.iter()
            .zip(other)
            .map(|(a, b)| u32::from(a.abs_diff(b)).pow(2))
            .sum()
    };
    let nearest = colours.min_by_key(|(_, colour)| distance(*colour));
    nearest.map_or(0, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_that_there_is_is_its_own_nearest() {
        for number in 16..=255 {
            let found = among_256(of_number(number));
            assert_eq!(of_number(found), of_number(number), "{number}");
        }
        for (number, rgb) in (0..16).zip(SIXTEEN) {
            assert_eq!(among_16(rgb), number);
        }
    }

    #[test]
    fn the_palette_has_the_colours_of_xterm() {
        assert_eq!(of_number(16), [0, 0, 0]);
        assert_eq!(of_number(208), [255, 135, 0]);
        assert_eq!(of_number(231), [255, 255, 255]);
        assert_eq!((of_number(232), of_number(255)), ([8; 3], [238; 3]));
    }

    #[test]
    fn orange_is_found_near_orange() {
        assert_eq!(among_256([255, 136, 0]), 208);
        assert_eq!(among_16([250, 10, 10]), 9);
    }
}
