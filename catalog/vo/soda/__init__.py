"""Parts of images, cut out where they are asked for."""
