module kaleidoscope.bio/kaleidoscope

go 1.24
