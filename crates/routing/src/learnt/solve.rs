//! Solves one positive definite system of equations, by Cholesky's method.

/// The solution of `(matrix * factor + pull * 1) x = aim`, for a symmetric matrix kept as a triangle.
///
/// Worked in `f64`, in a fixed order, so that every node gets the same. All 0 where the matrix is not
/// positive definite, which a positive `pull` rules out but for rounding.
pub(super) fn solve(triangle: &[f32], factor: f32, pull: f32, aim: &[f32]) -> Vec<f32> {
    let size = aim.len();
    let Some(root) = root(triangle, f64::from(factor), f64::from(pull), size) else { return vec![0.0; size] };
    let mut solution: Vec<f64> = aim.iter().copied().map(f64::from).collect();
    for row in 0..size {
        let known: f64 = (0..row).map(|column| root[row * size + column] * solution[column]).sum();
        solution[row] = (solution[row] - known) / root[row * size + row];
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| root[column * size + row] * solution[column]).sum();
        solution[row] = (solution[row] - known) / root[row * size + row];
    }
    #[expect(clippy::cast_possible_truncation, reason = "weights are kept as f32")]
    let solution: Vec<f32> = solution.into_iter().map(|value| value as f32).collect();
    if solution.iter().all(|value| value.is_finite()) { solution } else { vec![0.0; size] }
}

/// The lower triangular matrix whose product with its transpose is the matrix.
fn root(triangle: &[f32], factor: f64, pull: f64, size: usize) -> Option<Vec<f64>> {
    let mut root = vec![0.0; size * size];
    let mut entries = triangle.iter();
    for row in 0..size {
        for (column, entry) in (row..size).zip(&mut entries) {
            root[column * size + row] = f64::from(*entry) * factor;
        }
        root[row * size + row] += pull;
    }
    for column in 0..size {
        let squares: f64 = (0..column).map(|before| root[column * size + before] * root[column * size + before]).sum();
        let pivot = root[column * size + column] - squares;
        if pivot <= 0.0 || !pivot.is_finite() {
            return None;
        }
        root[column * size + column] = pivot.sqrt();
        for row in column + 1..size {
            let products: f64 =
                (0..column).map(|before| root[row * size + before] * root[column * size + before]).sum();
            root[row * size + column] = (root[row * size + column] - products) / root[column * size + column];
        }
    }
    Some(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_what_can_be_checked_by_hand() {
        // (4 2; 2 3) x = (8, 7) has the solution (1.25, 1.5).
        let solution = solve(&[3.0, 2.0, 2.0], 1.0, 1.0, &[8.0, 7.0]);
        assert!((solution[0] - 1.25).abs() < 1e-6 && (solution[1] - 1.5).abs() < 1e-6, "{solution:?}");
    }

    #[test]
    fn a_matrix_without_a_root_gives_nothing() {
        assert_eq!(solve(&[-2.0, 0.0, 1.0], 1.0, 1.0, &[1.0, 1.0]), [0.0, 0.0]);
    }
}
