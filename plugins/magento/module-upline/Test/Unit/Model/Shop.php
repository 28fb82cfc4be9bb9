<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Model;

use Magento\Framework\App\Config\ScopeConfigInterface;
use Magento\Framework\App\ProductMetadataInterface;
use Magento\Framework\Encryption\EncryptorInterface;
use Magento\Framework\Exception\NoSuchEntityException;
use Magento\Store\Model\Store;
use Magento\Store\Model\StoreManagerInterface;
use Psr\Log\LoggerInterface;
use Upline\Commission\Domain\OrderReaderInterface;
use Upline\Commission\Model\Clock;
use Upline\Commission\Model\Config;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Outbox;
use Upline\Commission\Model\References;
use Upline\Commission\Model\Request;
use Upline\Commission\Model\Response;
use Upline\Commission\Model\Sender;
use Upline\Commission\Model\Sequence;
use Upline\Commission\Model\Server;
use Upline\Commission\Model\State;
use Upline\Commission\Model\Told;
use Upline\Commission\Model\TransportInterface;
use Upline\Commission\Model\Versions;
use Upline\Commission\Model\Watch;
use Upline\Commission\Model\Websites;
use Upline\Commission\Test\Unit\Recorded;

/**
 * A shop in memory: the module's own classes over tables that are arrays, a clock that is set, and a server that answers
 * what the test says.
 */
class Shop
{
    public int $now = 1795218600;
    public bool $inTransaction = false;
    public string $baseUrl = 'https://shop.example.com/';

    /** @var array<int, string> base URLs of store views that have another */
    public array $baseUrls = [];

    /** @var array<string, mixed> settings by path, or by path and website */
    public array $settings = ['upline_commission/general/enabled' => '1', 'upline_commission/attribution/enabled' => '1'];

    /** @var array<int, array<string, mixed>> rows of the outbox */
    public array $rows = [];

    /** @var array<int, array<string, mixed>> what was told, by order */
    public array $toldRows = [];

    /** @var array<int, array<string, mixed>> orders as OrderReaderInterface gives them */
    public array $orders = [];

    /** @var array<int, Request> what the server was sent */
    public array $sent = [];

    /** @var callable(Request, int): Response what the server answers; it is given how many requests came before */
    public $answer;

    /** @var string[] what was logged */
    public array $log = [];

    public State $state;
    public Connection $connection;
    public Outbox $outbox;
    public Told $told;
    public Sender $sender;
    public Config $config;
    public Websites $websites;
    public Clock $clock;
    public LoggerInterface $logger;
    public Server $server;
    public Sequence $sequence;
    public StoreManagerInterface $stores;
    public Versions $versions;
    public ScopeConfigInterface $scopes;

    public function __construct()
    {
        $this->answer = static fn (): Response => new Response(200);
        $this->clock = new class ($this) extends Clock {
            public function __construct(private Shop $shop)
            {
            }

            public function now(): int
            {
                return $this->shop->now;
            }

            public function seconds(): float
            {
                return (float) $this->shop->now;
            }
        };
        $this->logger = new class ($this) implements LoggerInterface {
            public function __construct(private Shop $shop)
            {
            }

            public function error($message, array $context = [])
            {
                $this->shop->log[] = $message;
            }
        };
        $this->state = new FakeState();
        $this->state->set(0, ['sequence_offset' => 0]);
        $stores = $this->stores = $this->stores();
        $this->scopes = $this->settings();
        $this->versions = $this->versions();
        $this->config = new Config($this->scopes);
        $this->connection = new Connection($this->state, $this->encryptor(), $stores, $this->clock);
        $this->websites = new Websites($stores, $this->config, $this->connection);
        $this->outbox = new FakeOutbox($this);
        $this->told = new FakeTold($this);
        $this->server = new Server($this->transport(), $this->connection, $this->clock);
        $this->sequence = new Sequence($this->state, $this->outbox, $this->clock);
        $this->sender = new Sender(
            $this->outbox,
            $this->reader(),
            $this->told,
            $this->sequence,
            $this->connection,
            $this->websites,
            $this->server,
            $this->state,
            $this->versions,
            $this->clock,
            $this->logger
        );
    }

    public function connect(int $websiteId = 0, string $storeId = 'shop'): void
    {
        $this->connection->of($websiteId)->open([
            'server' => 'https://upline.example.com', 'store_id' => $storeId, 'secret' => 'ups_' . $storeId,
            'identity_key' => 'upi_key', 'webhook_url' => 'https://upline.example.com/webhooks/magento/' . $storeId,
            'api_url' => 'https://upline.example.com/api/plugin/' . $storeId,
        ]);
    }

    /**
     * An order with one row of 49.90, as changed a moment ago.
     */
    public function order(int $id, string $reason = Outbox::CREATED, int $websiteId = 1): int
    {
        $record = Recorded::record('order-canceled.json');
        $record['order']['entity_id'] = (string) $id;
        $record['order']['website_id'] = (string) $websiteId;
        $this->orders[$id] ??= $record;
        return $this->outbox->add($id, $websiteId, $reason);
    }

    public function watch(References $references): Watch
    {
        return new Watch($this->outbox, $references, $this->config, $this->connection, $this->websites, $this->logger);
    }

    /**
     * @return array<string, mixed> the body of the nth request
     */
    public function body(int $n): array
    {
        return json_decode($this->sent[$n]->body, true, 512, JSON_THROW_ON_ERROR);
    }

    /**
     * @return string[] statuses of the outbox's rows, by id
     */
    public function statuses(): array
    {
        return array_column($this->rows, 'status', 'id');
    }

    private function transport(): TransportInterface
    {
        return new class ($this) implements TransportInterface {
            public function __construct(private Shop $shop)
            {
            }

            public function send(array $requests): array
            {
                $responses = [];
                foreach ($requests as $key => $request) {
                    $this->shop->sent[] = $request;
                    $responses[$key] = ($this->shop->answer)($request, count($this->shop->sent) - 1);
                }
                return $responses;
            }
        };
    }

    private function reader(): OrderReaderInterface
    {
        return new class ($this) implements OrderReaderInterface {
            public function __construct(private Shop $shop)
            {
            }

            public function read(array $orderIds): array
            {
                return array_intersect_key($this->shop->orders, array_flip($orderIds));
            }
        };
    }

    private function settings(): ScopeConfigInterface
    {
        return new class ($this) implements ScopeConfigInterface {
            public function __construct(private Shop $shop)
            {
            }

            public function getValue($path, $scopeType = 'default', $scopeCode = null)
            {
                return $this->shop->settings[$path . '@' . $scopeCode] ?? $this->shop->settings[$path] ?? null;
            }
        };
    }

    private function stores(): StoreManagerInterface
    {
        return new class ($this) implements StoreManagerInterface {
            private int $current = 0;

            public function __construct(private Shop $shop)
            {
            }

            public function getStore($storeId = null)
            {
                $id = (int) ($storeId ?? $this->current);
                return new Store($this->shop->baseUrls[$id] ?? $this->shop->baseUrl, $id, $id);
            }

            public function setCurrentStore($store)
            {
                $this->current = (int) $store;
            }

            public function getDefaultStoreView()
            {
                return new Store($this->shop->baseUrl);
            }

            public function getWebsites($withDefault = false, $codeKey = false)
            {
                return array_map(static fn (int $id): object => new class ($id) {
                    public function __construct(private int $id)
                    {
                    }

                    public function getId(): int
                    {
                        return $this->id;
                    }
                }, [0, 1, 2]);
            }

            public function getStores($withDefault = false, $codeKey = false)
            {
                $websites = [0 => 0, 1 => 1, 2 => 2, 20 => 2];
                return array_map(static fn (int $id): object => new class ($id, $websites[$id]) {
                    public function __construct(private int $id, private int $websiteId)
                    {
                    }

                    public function getId(): int
                    {
                        return $this->id;
                    }

                    public function getWebsiteId(): int
                    {
                        return $this->websiteId;
                    }
                }, array_keys($websites));
            }

            public function getWebsite($websiteId = null)
            {
                if ((int) $websiteId > 2) {
                    throw new NoSuchEntityException(__('The website with id %1 was not found.', $websiteId));
                }
                return new class ((int) $websiteId) {
                    public function __construct(private int $id)
                    {
                    }

                    public function getId(): int
                    {
                        return $this->id;
                    }

                    public function getDefaultGroupId(): int
                    {
                        return 100 + $this->id;
                    }
                };
            }

            public function getGroup($groupId = null)
            {
                return new class ((int) $groupId) {
                    public function __construct(private int $id)
                    {
                    }

                    public function getDefaultStoreId(): int
                    {
                        return $this->id - 100;
                    }
                };
            }
        };
    }

    private function encryptor(): EncryptorInterface
    {
        return new class implements EncryptorInterface {
            public function encrypt($data)
            {
                return '0:3:' . strrev($data);
            }

            public function decrypt($data)
            {
                return strrev(substr($data, 4));
            }
        };
    }

    private function versions(): Versions
    {
        return new Versions(new class implements ProductMetadataInterface {
            public function getVersion()
            {
                return '2.4.8-p1';
            }

            public function getEdition()
            {
                return 'Community';
            }

            public function getName()
            {
                return 'Magento';
            }
        });
    }
}
