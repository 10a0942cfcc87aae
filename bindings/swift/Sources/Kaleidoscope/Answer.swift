import CKaleidoscope

/// Owns the result of a call until its records are copied.
struct Answer: ~Copyable {
    private let handle: kal_result

    init(_ handle: kal_result) {
        self.handle = handle
    }

    deinit {
        kal_result_free(handle)
    }

    func workspace() throws(KaleidoscopeError) -> Workspace {
        guard let record = kal_result_workspace(handle) else { throw Self.unexpectedType }
        return Workspace(record.pointee)
    }

    func members() throws(KaleidoscopeError) -> [WorkspaceMember] {
        try records(kal_result_workspace_users) { WorkspaceMember($0) }
    }

    func groups() throws(KaleidoscopeError) -> [WorkspaceGroup] {
        try records(kal_result_workspace_groups) { WorkspaceGroup($0) }
    }

    func events() throws(KaleidoscopeError) -> [WorkspaceEvent] {
        try records(kal_result_workspace_events) { WorkspaceEvent($0) }
    }

    func json() throws(KaleidoscopeError) -> String {
        var length = 0
        guard let pointer = kal_result_json(handle, &length) else { throw Self.unexpectedType }
        return pointer.withMemoryRebound(to: UInt8.self, capacity: length) {
            String(decoding: UnsafeBufferPointer(start: $0, count: length), as: UTF8.self)
        }
    }

    private static var unexpectedType: KaleidoscopeError {
        KaleidoscopeError(.internalError, "the result does not hold the expected record type")
    }

    private func records<C, Record>(
        _ view: (kal_result, UnsafeMutablePointer<Int>?) -> UnsafePointer<UnsafePointer<C>?>?, _ copy: (C) -> Record
    ) throws(KaleidoscopeError) -> [Record] {
        var count = 0
        guard let records = view(handle, &count) else { throw Self.unexpectedType }
        return UnsafeBufferPointer(start: records, count: count).map { copy($0!.pointee) }
    }
}
