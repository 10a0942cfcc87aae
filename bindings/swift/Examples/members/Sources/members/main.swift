import Kaleidoscope

// Credentials and URL come from the environment, see ClientOptions.
do {
    let client = try Client()
    for member in try await client.workspace.members() {
        print("\(member.fullName ?? "?") <\(member.email ?? "-")>")
    }
} catch {
    print(error)
}
