# No struct and no callback: handles are 64-bit integers, everything else is text.
require "fiddle"
require "json"

KAL = Fiddle.dlopen("libkaleidoscope.so.0")
STATUS, HANDLE, POINTER = Fiddle::TYPE_INT, Fiddle::TYPE_LONG_LONG, Fiddle::TYPE_VOIDP
FUNCTIONS = {
  kal_client_open_json: [STATUS, POINTER, POINTER, POINTER],
  kal_client_close: [Fiddle::TYPE_VOID, HANDLE],
  kal_call: [STATUS, HANDLE, POINTER, POINTER, POINTER, POINTER, POINTER],
  kal_stream_open: [STATUS, HANDLE, POINTER, POINTER, POINTER, POINTER, POINTER],
  kal_stream_next: [STATUS, HANDLE, Fiddle::TYPE_INT, POINTER, POINTER],
  kal_stream_cursor: [POINTER, HANDLE],
  kal_stream_free: [Fiddle::TYPE_VOID, HANDLE],
  kal_result_json: [POINTER, HANDLE, POINTER],
  kal_result_free: [Fiddle::TYPE_VOID, HANDLE],
  kal_error_json: [POINTER, HANDLE, POINTER],
}.to_h { |name, (result, *arguments)| [name, Fiddle::Function.new(KAL[name.to_s], arguments, result)] }
OK, DONE, NOT_READY = 0, 1, 2

def kal(name, *arguments) = FUNCTIONS.fetch(name).call(*arguments)
def id(out) = out.unpack1("q")

$error = "\0" * 8               # receives a handle, as the other variables of eight bytes
def check(status)
  return status if [OK, DONE, NOT_READY].include?(status)
  abort JSON.parse(kal(:kal_error_json, id($error), nil).to_s)["message"]
end

def print_and_free(result)
  puts kal(:kal_result_json, id(result), nil).to_s
  kal(:kal_result_free, id(result))
end

method, parameters, cursor = ARGV
client, stream, result = "\0" * 8, "\0" * 8, "\0" * 8
check kal(:kal_client_open_json, ENV["KAL_OPTIONS"], client, $error)
if %w[workspace.stream_events workspace.follow_events].include?(method)
  check kal(:kal_stream_open, id(client), method, parameters, cursor, stream, $error)
  until (status = check(kal(:kal_stream_next, id(stream), 60_000, result, $error))) == DONE
    next if status == NOT_READY
    print_and_free(result)
    warn kal(:kal_stream_cursor, id(stream)).to_s       # where to resume
  end
  kal(:kal_stream_free, id(stream))
else
  check kal(:kal_call, id(client), method, parameters, nil, result, $error)
  print_and_free(result)
end
kal(:kal_client_close, id(client))
