"""What goes wrong around the program: power, disks, clocks, hostile answers and files. Nothing may be lost, doubled or leaked."""
