"""Files of a prepared data set, and refused rows, written whole."""
