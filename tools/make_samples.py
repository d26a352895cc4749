#!/usr/bin/env python3
"""Draws the pictures in samples/: the same bytes' worth of picture every time.

Usage: tools/make_samples.py [FOLDER]
"""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys

import numpy as np
from PIL import Image, ImageDraw


def smooth_noise(rng, width, height, cells, octaves=5):
    """Fractal noise from 0 to 1: octaves of upscaled random grids."""
    total = np.zeros((height, width))
    weight = 1.0
    for octave in range(octaves):
        size = cells * 2**octave
        grid = rng.random((max(2, size * height // width), size))
        layer = Image.fromarray((grid * 65535).astype(np.int32), "I")
        layer = layer.resize((width, height), Image.BICUBIC)
        total += weight * np.asarray(layer, float) / 65535
        weight *= 0.5
    total -= total.min()
    return total / total.max()


def ridge(rng, width, base, swing, cells):
    """The height of a line of hills, for each column."""
    line = smooth_noise(rng, width, 8, cells, 6)[4]
    return base - swing * line


def blend(picture, mask, color):
    picture += mask[..., None] * (np.asarray(color, float) - picture)


def coast(width, height):
    """An evening coast: sky, sun, far hills, sea with a glitter path, rocks."""
    rng = np.random.default_rng(20)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    v = y / height
    horizon = 0.52
    sky_top, sky_low = np.array([58, 84, 138.0]), np.array([255, 196, 128.0])
    share = np.clip(v / horizon, 0, 1)[..., None] ** 1.4
    picture = sky_top * (1 - share) + sky_low * share

    sun_x, sun_y = 0.66 * width, 0.43 * height
    distance = np.hypot(x - sun_x, y - sun_y) / height
    picture += np.exp(-((distance / 0.22) ** 2))[..., None] * [70, 45, 10]
    blend(picture, np.clip((0.045 - distance) * 250, 0, 1), (255, 246, 214))

    clouds = smooth_noise(rng, width, height, 4) * (1 - share[..., 0] * 0.5)
    blend(picture, np.clip((clouds - 0.48) * 2.4, 0, 0.75), (250, 214, 196))

    for base, swing, cells, color in (
        (0.54, 0.13, 5, (132, 120, 142)),
        (0.55, 0.08, 9, (92, 88, 112)),
    ):
        line = ridge(rng, width, base, swing, cells)
        mask = np.clip((v - line[None, :]) * height / 2, 0, 1)
        blend(picture, mask * (v < horizon + 0.01), color)

    sea = v > horizon
    depth = np.clip((v - horizon) / (1 - horizon), 0, 1)
    water = np.array([188, 150, 128.0]) * (1 - depth[..., None])
    water = water + np.array([22, 58, 84.0]) * depth[..., None]
    waves = np.sin(y * y / height * 0.5 + 9 * smooth_noise(rng, width, height, 6))
    water += (waves * (4 + 14 * depth))[..., None]
    path = np.exp(-(((x - sun_x) / (0.03 + 0.16 * depth) / width) ** 2))
    glitter = path * (smooth_noise(rng, width, height, 90, 2) > 0.52)
    water += (glitter * 150)[..., None] * [1, 0.82, 0.55]
    picture[sea] = water[sea]

    shore = ridge(rng, width, 1.02, 0.26, 4) + 0.10 * (x[0] / width)
    rocks = np.clip((v - shore[None, :]) * height / 1.5, 0, 1)
    texture = smooth_noise(rng, width, height, 24, 6)
    picture += rocks[..., None] * (
        np.array([46, 44, 40.0]) * (0.55 + 1.1 * texture[..., None]) - picture)
    foam = np.exp(-(((v - shore[None, :] + 0.012) / 0.008) ** 2))
    blend(picture, np.clip(foam * texture * 1.1, 0, 0.8), (236, 232, 226))

    picture += rng.normal(0, 2.2, picture.shape)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def chart(side):
    """A test chart with alpha: which way is up, which colour is which."""
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((4, 4, side - 5, side - 5), fill=(245, 245, 240, 255))
    half = side // 2
    quarter = side // 4
    for box, color in (
        ((quarter, quarter), (214, 60, 48, 255)),
        ((half, quarter), (64, 160, 72, 255)),
        ((quarter, half), (48, 96, 200, 255)),
        ((half, half), (240, 190, 40, 128)),
    ):
        draw.rectangle((*box, box[0] + quarter - 1, box[1] + quarter - 1),
                       fill=color)
    draw.polygon((half, 16, half - 24, 64, half + 24, 64), fill=(20, 20, 20, 255))
    for step in range(8, half - 16, 16):
        draw.ellipse((half - step, half - step, half + step, half + step),
                     outline=(20, 20, 20, 90))
    return image


def ramp16(width, height):
    """A grey ramp with more than 256 steps, and a slow wave."""
    y, x = np.mgrid[0:height, 0:width]
    ramp = x / (width - 1) * 60000 + 2500 * np.sin(y / height * 6.283)
    return Image.fromarray(np.clip(ramp + 2500, 0, 65535).astype(np.uint16))


def portrait(width, height):
    """A sailing boat, taken upright but stored on its side (EXIF 6)."""
    picture = coast(width, height)
    draw = ImageDraw.Draw(picture)
    middle, deck = width * 2 // 5, height * 7 // 10
    mast = height * 3 // 10
    draw.polygon((middle - 70, deck, middle + 80, deck, middle + 50, deck + 34,
                  middle - 50, deck + 34), fill=(120, 52, 36))
    draw.line((middle, deck, middle, mast), fill=(40, 32, 28), width=6)
    draw.polygon((middle + 8, deck - 14, middle + 8, mast + 8, middle + 86,
                  deck - 14), fill=(240, 234, 222))
    draw.polygon((middle - 8, deck - 14, middle - 8, mast + 40, middle - 60,
                  deck - 14), fill=(226, 120, 84))
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture.transpose(Image.ROTATE_90), exif


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "samples")
    folder.mkdir(exist_ok=True)
    coast(1600, 1067).save(folder / "coast.jpg", quality=88)
    chart(512).save(folder / "chart.png", optimize=True)
    ramp16(640, 200).save(folder / "ramp16.png", optimize=True)
    picture, exif = portrait(600, 800)
    picture.save(folder / "portrait-exif6.jpg", quality=86, exif=exif)


if __name__ == "__main__":
    main()
