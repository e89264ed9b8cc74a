"""Loops over cells and fine grids that `gm_pose.ops.uncertainty` must agree with."""

import numpy as np


def draw_posterior_map(places, weights, sigma, size):
    """The ideal map of a joint that is at `places` (M, 2) with `weights` (M,)."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    square = (x[..., None] - places[:, 0]) ** 2 + (y[..., None] - places[:, 1]) ** 2
    return (np.exp(-square / (2 * sigma**2)) * weights).sum(-1)


def spread_gaussian(mean, covariance, count=15):
    """Places (count^2, 2) and weights whose mean and covariance are those given."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    root = np.linalg.cholesky(covariance)
    grid = np.stack(np.meshgrid(nodes, nodes), -1).reshape(-1, 2)
    weights = np.outer(weights, weights).ravel() / weights.sum() ** 2
    return mean + grid @ root.T, weights


def measure_slowly(heatmap, place, sigma, threshold):
    """One map -> mass, covariance before any eigenvalue is clipped: cell by cell."""
    between = place - np.round(place)
    peak = heatmap.max() * np.exp((between**2).sum() / (2 * sigma**2))
    u = -np.log(threshold)
    mass_share = 1 - threshold * (1 + u)
    moment_share = 1 - threshold * (1 + u + u**2 / 2)
    height, width = heatmap.shape
    mass, moment = 0.0, np.zeros((2, 2))
    for row in range(height):
        for column in range(width):
            value = heatmap[row, column] - threshold * peak
            if value <= 0:
                continue
            distance = np.array([column, row]) - place
            count = 1.0
            for d, at, side in zip(distance, place, (width, height), strict=True):
                if abs(d) <= 3 * sigma:
                    mirrored = at - d
                    inside = np.clip(mirrored + 0.5, 0, 1)
                    inside *= np.clip(side - 0.5 - mirrored, 0, 1)
                    count *= 2 - inside
            mass += count * value
            moment += count * value * np.outer(distance, distance)
    covariance = moment / mass * mass_share / moment_share - sigma**2 * np.eye(2)
    return mass / mass_share / (2 * np.pi * sigma**2), covariance
