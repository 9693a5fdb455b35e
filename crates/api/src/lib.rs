//! The control API behind the window, the browser and the command line.
