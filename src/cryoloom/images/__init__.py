"""Images: headers, pixels, thumbnails, spectra. Knows MRC, TIFF and EER; knows no job."""
