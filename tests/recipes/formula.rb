# Evaluates a Homebrew formula with the part of Homebrew's language that it uses: formula.rb FORMULA SYSTEM CPU COMMAND
#
#   SYSTEM is linux or macos, CPU intel or arm
#   fields                    prints version, URL and checksum for that system
#   install SOURCE PREFIX     runs its install in the unpacked archive SOURCE
#   test PREFIX               runs its test
require "fileutils"
require "pathname"
require "tmpdir"

class Pathname
  # As in Homebrew: into this folder, moved.
  def install(*files)
    files = files.flatten
    raise "#{self}: nothing to install" if files.empty?

    FileUtils.mkdir_p(self)
    files.each { |file| FileUtils.mv(file, self) }
  end

  alias write_text write
  def write(text)
    FileUtils.mkdir_p(dirname)
    write_text(text)
  end
end

module OS
  def self.linux? = $system == "linux"
end

module ENVCompilers
  def cc = fetch("CC", "cc")
end
ENV.extend(ENVCompilers)

class Formula
  class << self
    attr_reader :fields, :test_block

    %i[desc homepage version license url sha256].each do |name|
      define_method(name) do |value|
        (@fields ||= {})[name] = value
      end
    end

    def on_macos = (yield if $system == "macos")
    def on_linux = (yield if $system == "linux")
    def on_intel = (yield if $cpu == "intel")
    def on_arm = (yield if $cpu == "arm")

    def test(&block)
      @test_block = block
    end
  end

  def initialize(prefix)
    @prefix = Pathname(prefix)
  end
  attr_reader :prefix, :testpath

  def version = self.class.fields.fetch(:version)
  def include = prefix/"include"
  def lib = prefix/"lib"
  def man = prefix/"share/man"
  def pkgshare = prefix/"share/libkaleidoscope"
  def system(*command) = (Kernel.system(*command.map(&:to_s)) || raise("failed: #{command.join(" ")}"))

  def shell_output(command)
    text = `#{command}`
    raise "failed: #{command}" unless $?.success?

    text
  end

  def assert_equal(expected, found) = (expected == found || raise("expected #{expected.inspect}, found #{found.inspect}"))

  def run_test
    Dir.mktmpdir do |folder|
      @testpath = Pathname(folder)
      Dir.chdir(folder) { instance_eval(&self.class.test_block) }
    end
  end
end

file, $system, $cpu, command, *rest = ARGV
load File.expand_path(file)
case command
when "fields"
  puts Libkaleidoscope.fields.values_at(:version, :url, :sha256)
  desc = Libkaleidoscope.fields.fetch(:desc)
  raise "brew audit: desc is longer than 80 characters, begins with an article or ends with a stop" if
    desc.length > 80 || desc.match?(/\A(an?|the) |\.\z/i)
when "install"
  prefix = File.expand_path(rest[1])
  Dir.chdir(rest[0]) { Libkaleidoscope.new(prefix).install }
when "test"
  Libkaleidoscope.new(File.expand_path(rest[0])).run_test
end
