#include "extract/extractor.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.h"
#include "extract/bounded_queue.h"
#include "extract/maker.h"
#include "extract/target_tree.h"
#include "image/path.h"
#include "image/tree_walk.h"

namespace amberfs {
namespace {

// Smaller files cost little but their names, and threads that make names in one directory only wait
// for each other.
constexpr std::uint64_t kWorthAThread = std::uint64_t{64} << 10;
constexpr std::size_t kWaitingPerThread = 2;

// The first name of an inode that has several, to which the others are linked.
struct FirstName {
  enum class State : std::uint8_t { kPending, kMade, kFailed };
  State state = State::kPending;
  FileId id;  // kMade
  const TargetDir* in = nullptr;
  std::string name;
};

// Makes copies, of large files by threads of its own as far as they keep up.
class Copiers {
 public:
  Copiers(Maker& maker, Ledger& ledger, unsigned threads);
  ~Copiers() { Finish(); }
  Copiers(const Copiers&) = delete;
  Copiers& operator=(const Copiers&) = delete;

  // Makes a copy of `inode`, now or later. `first_name`, which may be null, learns what became of
  // it, and must not go before.
  void Copy(Place place, const Inode& inode, FirstName* first_name);

  // What became of it, once that is known.
  FirstName Await(const FirstName& first_name);

  void Finish();  // waits for all

 private:
  struct Task {
    Place place;
    Inode inode;
    FirstName* first_name;
  };
  void Work();
  void Do(const Task& task, CopyBuffer& buffer);

  Maker& maker_;
  Ledger& ledger_;
  BoundedQueue<Task> queue_;
  std::vector<std::thread> threads_;
  CopyBuffer buffer_;  // for what is made now
  std::mutex mutex_;   // guards state and id of each FirstName
  std::condition_variable settled_;
};

// The thread that calls Copy() is one of `threads`.
Copiers::Copiers(Maker& maker, Ledger& ledger, unsigned threads)
    : maker_(maker), ledger_(ledger), queue_(kWaitingPerThread * (threads - 1)) {
  for (unsigned i = 1; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

void Copiers::Copy(Place place, const Inode& inode, FirstName* first_name) {
  Task task{std::move(place), inode, first_name};
  const bool is_large = inode.type() == FileType::kRegular && inode.size() >= kWorthAThread;
  if (!is_large || !queue_.TryPush(task)) Do(task, buffer_);
}

FirstName Copiers::Await(const FirstName& first_name) {
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [&] { return first_name.state != FirstName::State::kPending; });
  return first_name;
}

void Copiers::Finish() {
  queue_.Close();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Copiers::Work() {
  CopyBuffer buffer;
  while (const auto task = queue_.Pop()) Do(*task, buffer);
}

void Copiers::Do(const Task& task, CopyBuffer& buffer) {
  const auto made = maker_.Make(task.place, task.inode, buffer);
  if (task.first_name != nullptr) {
    const std::lock_guard lock(mutex_);
    task.first_name->state = made ? FirstName::State::kMade : FirstName::State::kFailed;
    task.first_name->id = made.value_or(FileId());
    settled_.notify_all();
  }
  if (!made) return;
  const FileType type = task.inode.type();
  ledger_.Add(type == FileType::kRegular   ? &ExtractSummary::files
              : type == FileType::kSymlink ? &ExtractSummary::symlinks
                                           : &ExtractSummary::specials);
}

// The walk.
class Extractor {
 public:
  Extractor(const Image& image, TargetTree tree, const ExtractOptions& options, Ledger& ledger)
      : image_(image),
        options_(options),
        ledger_(ledger),
        tree_(std::move(tree)),
        maker_(image, options, ledger),
        copiers_(maker_, ledger, options.threads) {}

  void Run(const std::vector<ResolvedPath>& selected);

 private:
  const TargetDir* MakeWayTo(const ResolvedPath& path);
  void ExtractTree(const TargetDir& in, const ResolvedPath& top);
  const TargetDir* MakeDirectory(const TargetDir& in, const std::string& name, Nid nid,
                                 bool existing_is_copy);
  void ExtractOther(const TargetDir& in, const std::string& name, const Inode& inode);
  void Link(const Place& place, const FirstName& first_name);
  void FinishDirectory(const TargetDir& directory);

  const Image& image_;
  const ExtractOptions& options_;
  Ledger& ledger_;
  TargetTree tree_;
  Maker maker_;
  std::map<std::string, const TargetDir*> ways_;  // directories above selected paths, by path
  std::map<Nid, FirstName> first_names_;          // whose elements never move
  Copiers copiers_;                               // last, so that its threads end first
};

void Extractor::Run(const std::vector<ResolvedPath>& selected) {
  for (const ResolvedPath& path : selected)
    if (const TargetDir* in = MakeWayTo(path)) ExtractTree(*in, path);
  copiers_.Finish();
  // Only now: a directory may need to be entered for links, and making things changes its time.
  const auto& dirs = tree_.dirs();
  for (auto at = dirs.rbegin(); at != dirs.rend() && !ledger_.Ended(); ++at)
    if (at->is_copy) FinishDirectory(*at);
}

const TargetDir* Extractor::MakeWayTo(const ResolvedPath& path) {
  const TargetDir* in = &tree_.top();
  std::string text;
  for (std::size_t i = 0; i + 1 < path.steps.size() && in != nullptr; ++i) {
    const PathStep& step = path.steps[i];
    text.append("/").append(step.name);
    const auto [known, is_new] = ways_.try_emplace(text);
    if (is_new) known->second = MakeDirectory(*in, step.name, step.nid, false);
    in = known->second;
  }
  return in;
}

void Extractor::ExtractTree(const TargetDir& in, const ResolvedPath& top) {
  TreeWalk walk(image_, top.inode, top.Text());
  std::vector<const TargetDir*> open;
  while (!ledger_.Ended()) {
    const auto step = walk.Next();
    if (!step) return;
    if (step->kind == TreeStep::Kind::kBroken) {
      ledger_.Report(walk.path(), step->error);
    } else if (step->kind == TreeStep::Kind::kLeave) {
      open.pop_back();
    } else if (ledger_.MayEnter()) {
      const TargetDir& parent = open.empty() ? in : *open.back();
      const std::string name(walk.name());
      if (!step->inode->is_directory()) {
        ExtractOther(parent, name, *step->inode);
        continue;
      }
      // The image's top has no name, and is there.
      const TargetDir* made =
          name.empty() ? &in : MakeDirectory(parent, name, step->inode->nid(), true);
      if (made != nullptr)
        open.push_back(made);
      else
        walk.SkipDirectory();
    }
  }
}

const TargetDir* Extractor::MakeDirectory(const TargetDir& in, const std::string& name, Nid nid,
                                          bool existing_is_copy) {
  const auto made = tree_.Make(in, name, nid, options_.existing, existing_is_copy);
  if (!made) {
    ledger_.Report(PathOf(in, name), "be made", made.error());
    return nullptr;
  }
  ledger_.Add(&ExtractSummary::directories);
  return *made;
}

void Extractor::ExtractOther(const TargetDir& in, const std::string& name, const Inode& inode) {
  if (inode.is_device() && !options_.devices) return ledger_.Add(&ExtractSummary::devices_left_out);
  auto directory = tree_.Open(in);
  if (!directory) return ledger_.Report(PathOf(in, name), "be made", directory.error());
  Place place{&in, *std::move(directory), name};
  if (inode.nlink() < 2) return copiers_.Copy(std::move(place), inode, nullptr);

  const auto [at, is_first] = first_names_.try_emplace(inode.nid());
  if (!is_first) {
    const FirstName first_name = copiers_.Await(at->second);
    if (first_name.state == FirstName::State::kMade) return Link(place, first_name);
  }
  // If the first one failed, this one is the first.
  at->second = {.id = {}, .in = &in, .name = name};
  copiers_.Copy(std::move(place), inode, &at->second);
}

void Extractor::Link(const Place& place, const FirstName& first_name) {
  const auto from = tree_.OpenAside(*first_name.in);
  const auto linked = from ? maker_.Link(place, **from, first_name.name, first_name.id)
                           : Result<void>(std::unexpected(from.error()));
  if (linked) return ledger_.Add(&ExtractSummary::hard_links);
  ledger_.Report(place.path(), "be linked to " + Printable(PathOf(*first_name.in, first_name.name)),
                 linked.error());
}

void Extractor::FinishDirectory(const TargetDir& directory) {
  const std::string path = PathOf(directory);
  const auto inode = image_.ReadInode(directory.nid);
  if (!inode) return ledger_.Report(path, inode.error());
  const auto attributes = ReadAttributes(image_, *inode, options_.attributes);
  if (!attributes) return ledger_.Report(path, attributes.error());
  if (!ledger_.MayWrite(attributes->bytes())) return;
  const auto open = tree_.Open(directory);
  if (!open) return ledger_.Report(path, "be finished", open.error());
  maker_.Apply(*attributes, (*open)->fd(), path);
}

// What the paths lead to, less what lies below another of them.
std::vector<ResolvedPath> Select(const Image& image, const std::vector<std::string>& paths,
                                 Ledger& ledger) {
  std::vector<ResolvedPath> found;
  std::set<std::string> texts;
  for (const std::string& path : paths.empty() ? std::vector<std::string>{"/"} : paths) {
    auto resolved = ResolvePath(image, path, LastLink::kKeep);
    if (!resolved)
      ledger.Report(path, resolved.error());
    else if (texts.insert(resolved->Text()).second)
      found.push_back(*std::move(resolved));
  }
  std::erase_if(found, [&](const ResolvedPath& path) {
    std::string above;
    for (const PathStep& step : path.steps) {
      if (texts.contains(above.empty() ? "/" : above)) return true;
      above.append("/").append(step.name);
    }
    return false;
  });
  return found;
}

}  // namespace

ExtractSummary Extract(const Image& image, SafeDir::Top target, const ExtractOptions& options) {
  Ledger ledger(options);
  const std::vector<ResolvedPath> selected = Select(image, options.paths, ledger);
  const bool is_copy = target.made || std::ranges::any_of(selected, [](const ResolvedPath& path) {
                         return path.steps.empty();
                       });
  auto tree = TargetTree::Start(std::move(target.directory), image.sb().root_nid(), is_copy);
  if (tree)
    Extractor(image, *std::move(tree), options, ledger).Run(selected);
  else
    ledger.Report("/", "be opened", tree.error());
  return ledger.Summary();
}

}  // namespace amberfs
