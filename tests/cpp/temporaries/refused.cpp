// Lines that would read what is already destroyed. None of them compiles; refused.py checks that each is an error, that its text
// is as in the comment, and that every other line is none.
#include <kaleidoscope.hpp>

#include <chrono>
#include <iterator>
#include <utility>

using namespace std::chrono_literals;

void of_lists(const kal::client& c, kal::members list)
{
    (void)c.workspace().members()[0];             // refused: deleted .*\[\]
    (void)c.workspace().members().view();         // refused: deleted .*view
    (void)c.workspace().members().json();         // refused: deleted .*json
    (void)c.workspace().members().begin();        // refused: deleted .*begin
    (void)*c.workspace().members().end();         // refused: deleted .*end
    (void)std::move(list)[0];                     // refused: deleted .*\[\]
    (void)std::move(list).begin();                // refused: deleted .*begin
    (void)std::move(std::as_const(list)).end();   // refused: deleted .*end
    (void)std::move(list).view();                 // refused: deleted .*view
    (void)std::move(list).json();                 // refused: deleted .*json
    (void)*c.workspace().info();                  // refused: deleted .*\*
    (void)c.workspace().info()->id();             // refused: deleted .*->
    (void)c.workspace().info().json();            // refused: deleted .*json
    for (auto m : c.workspace().members().view()) // refused: deleted .*view
        (void)m;
}

void of_results(const kal::client& c, const kal::result<kal::members>& kept)
{
    (void)c.workspace().try_members()->view();            // refused: deleted .*->
    (void)c.workspace().try_members()->json();            // refused: deleted .*->
    (void)c.workspace().try_members()->begin();           // refused: deleted .*->
    (void)(*c.workspace().try_members()).json();          // refused: deleted .*json
    (void)(*c.workspace().try_members())[0];              // refused: deleted .*\[\]
    (void)c.workspace().try_members().value().view();     // refused: deleted .*view
    (void)c.workspace().try_members().value().begin();    // refused: deleted .*begin
    (void)kal::unwrap(c.workspace().try_members())[0];    // refused: deleted .*\[\]
    (void)kal::unwrap(c.workspace().try_events()).json(); // refused: deleted .*json
    (void)c.workspace().try_info()->operator->();         // refused: deleted .*->
    (void)(*c.workspace().try_info())->id();              // refused: deleted .*->
    (void)c.workspace().try_members().error().body();     // refused: deleted .*body
    (void)c.workspace().try_members().error().url();      // refused: deleted .*url
    (void)*std::move(kept);                               // refused: deleted .*\*
    (void)std::move(kept).value();                        // refused: deleted .*value
    (void)std::move(kept)->json();                        // refused: deleted .*->
    auto& list = *c.workspace().try_members();            // refused: .*(rvalue|temporary)
    auto& same = c.workspace().try_members().value();     // refused: .*(rvalue|temporary)
    for (auto m : c.workspace().try_members()->view())    // refused: deleted .*->
        (void)m;
    (void)list, (void)same;
}

void of_pages(kal::event_stream& stream, const kal::client& c, const kal::optional<kal::events>& kept)
{
    (void)stream.next(5s)->view();               // refused: deleted .*->
    (void)stream.next(5s)->json();               // refused: deleted .*->
    (void)stream.next(5s)->begin();              // refused: deleted .*->
    (void)(*stream.next(5s))[0];                 // refused: deleted .*\[\]
    (void)(*stream.next(5s)).json();             // refused: deleted .*json
    (void)stream.next(5s).value().view();        // refused: deleted .*view
    (void)*stream.try_next(5s)->value().begin(); // refused: deleted .*->
    (void)(**stream.try_next(5s)).begin();       // refused: deleted .*begin
    (void)*std::move(kept);                      // refused: deleted .*\*
    (void)std::move(kept)->json();               // refused: deleted .*->
    (void)std::move(kept).value();               // refused: deleted .*value
    auto& page = *stream.next(5s);               // refused: .*(rvalue|temporary)
    for (auto e : stream.next(5s)->view())       // refused: deleted .*->
        (void)e;
    (void)c.workspace().stream_events().begin();        // refused: (discards|rvalue)
    (void)c.workspace().stream_events().flat().begin(); // refused: (discards|rvalue)
    (void)c.workspace().try_stream_events()->flat();    // refused: deleted .*->
    (void)page;
}

void of_answers(const kal::client& c, const kal::queue& queue)
{
    (void)c.call("m").json();             // refused: deleted .*json
    (void)c.call("m").members();          // refused: deleted .*members
    (void)c.call("m").workspace();        // refused: deleted .*workspace
    (void)c.try_call("m")->json();        // refused: deleted .*->
    (void)(*c.try_call("m")).events();    // refused: deleted .*events
    for (auto m : *c.call("m").members()) // refused: deleted .*members
        (void)m;
    (void)queue.next(5s)->outcome;                // refused: deleted .*->
    (void)(*queue.next(5s)).outcome->json();      // refused: deleted .*->
    (void)(*(*queue.next(5s)).outcome).members(); // refused: deleted .*members
    auto& [data, outcome] = *queue.next(5s);      // refused: .*(rvalue|temporary)
}

// What compiles nevertheless, as docs/cpp.md says.
void not_caught(const kal::client& c, kal::member m)
{
    (void)std::begin(c.workspace().members());
    (void)c.workspace().try_members().transform([](const kal::members& all) { return all.front(); });
    (void)c.workspace().try_members().error().what();
    for (char letter : *m.email())
        (void)letter;
}
