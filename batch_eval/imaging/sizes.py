"""The size of a PNG or JPEG by its header, without decoding it."""

from batch_eval.imaging import jpeg, png


def stated_size(data: bytes) -> tuple[int, int]:
    """Return width and height in pixels; (0, 0) where the data is no PNG or JPEG, or ends early."""
    if data.startswith(png.SIGNATURE):
        return png.stated_size(data)
    if data.startswith(jpeg.SIGNATURE):
        return jpeg.stated_size(data)
    return 0, 0
