module kaleidoscope.bio/kaleidoscope/bench

go 1.24

require kaleidoscope.bio/kaleidoscope v0.0.0

replace kaleidoscope.bio/kaleidoscope => ../../bindings/go
