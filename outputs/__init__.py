"""What is encoded goes elsewhere than HTTP: each output a part with a thread of its own."""
