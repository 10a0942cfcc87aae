class Libkaleidoscope < Formula
  desc "Client library with a C ABI for the Kaleidoscope platform"
  homepage "https://kaleidoscope.bio"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
#each macos-aarch64 macos-x86_64
    on_@CPU@ do
      url "@URL@/@ARCHIVE@"
      sha256 "@SHA256@"
    end
#end
  end

  on_linux do
#each linux-aarch64 linux-x86_64
    on_@CPU@ do
      url "@URL@/@ARCHIVE@"
      sha256 "@SHA256@"
    end
#end
  end

  def install
    include.install Dir["include/*"]
    lib.install Dir["lib/*"]
    man.install Dir["share/man/*"]
    pkgshare.install Dir["share/kaleidoscope/*"] if OS.linux?
    prefix.install "THIRD-PARTY-LICENSES.txt"
  end

  test do
    (testpath/"test.c").write <<~C
      #include <kaleidoscope.h>
      #include <stdio.h>

      int main(void)
      {
          puts(kal_version());
          return 0;
      }
    C
    system ENV.cc, "test.c", "-I#{include}", "-L#{lib}", "-lkaleidoscope", "-Wl,-rpath,#{lib}", "-o", "test"
    assert_equal version.to_s, shell_output("./test").strip
  end
end
