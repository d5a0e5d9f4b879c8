"""From raw exposures to calibrated ones: overscan, masters, bad pixels, cosmic rays."""
