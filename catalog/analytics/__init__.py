"""What was done, day by day: counted where it is done, summed later, shown and printed."""
