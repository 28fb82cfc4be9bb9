<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Model;

use Magento\Framework\App\State as AppState;
use Magento\Framework\DB\Adapter\DeadlockException;
use Magento\Framework\Stdlib\CookieManagerInterface;
use Magento\Quote\Api\Data\CartInterface;
use Magento\Sales\Model\Order;
use PHPUnit\Framework\TestCase;
use Upline\Commission\Model\Outbox;
use Upline\Commission\Model\References;
use Upline\Commission\Model\Visit;

class WatchTest extends TestCase
{
    private Shop $shop;

    /** @var References&object{calls: array<int, array<int, mixed>>} */
    private References $references;

    protected function setUp(): void
    {
        $this->shop = new Shop();
        $this->references = new class extends References {
            /** @var array<int, array<int, mixed>> */
            public array $calls = [];

            public function __construct()
            {
            }

            public function ordered(int $orderId, int $quoteId, int $replacedId): void
            {
                $this->calls[] = [$orderId, $quoteId, $replacedId];
            }

            public function visited(int $quoteId, array $touches): void
            {
                $this->calls[] = [$quoteId, array_column($touches, 'ref')];
            }
        };
    }

    public function testNewOrderTakesItsReferenceAndIsNoted(): void
    {
        $this->shop->connect();
        $order = ['id' => '7', 'quoteId' => '70', 'storeId' => '1', 'relationParentId' => null, 'origData' => null];
        $this->shop->watch($this->references)->saved(new Order($order));
        $this->shop->watch($this->references)->saved(new Order(['origData' => '7'] + $order));
        self::assertSame([[7, 70, 0]], $this->references->calls);
        self::assertSame(['order.created', 'order.updated'], array_column($this->shop->rows, 'reason'));
        self::assertSame([7, 7], array_column($this->shop->rows, 'entity_id'));
    }

    /**
     * Whoever invoices while he places saves the same model twice; after a rollback it gets another id.
     */
    public function testModelSavedTwiceIsNewOnce(): void
    {
        $this->shop->connect();
        $watch = $this->shop->watch($this->references);
        $order = new Order(['id' => '7', 'quoteId' => '70', 'storeId' => '1', 'origData' => null]);
        $watch->saved($order);
        $watch->saved($order);
        $order->setId('8');
        $watch->saved($order);
        self::assertSame([[7, 70, 0], [8, 70, 0]], $this->references->calls);
        $reasons = ['order.created', 'order.updated', 'order.created'];
        self::assertSame($reasons, array_column($this->shop->rows, 'reason'));
    }

    public function testNothingIsNotedBeforeConnectingOrWhileSwitchedOff(): void
    {
        $order = new Order(['id' => '7', 'storeId' => '2']);
        $this->shop->watch($this->references)->saved($order);
        self::assertSame([], $this->shop->rows);
        $this->shop->connect();
        $this->shop->settings['upline_commission/general/enabled@2'] = '0';
        $this->shop->watch($this->references)->saved($order);
        self::assertSame([], $this->shop->rows);
        $this->shop->watch($this->references)->saved(new Order(['id' => '8', 'storeId' => '1']));
        self::assertCount(1, $this->shop->rows);
    }

    /**
     * Place-order fires events before the order has an id.
     */
    public function testOrderWithoutIdIsNotNoted(): void
    {
        $this->shop->connect();
        $this->shop->watch($this->references)->note(0, 1, Outbox::UPDATED);
        self::assertSame([], $this->shop->rows);
    }

    public function testFaultsReachNobodyAndAreLoggedOnce(): void
    {
        $watch = $this->shop->watch($this->references);
        for ($i = 0; $i < 3; $i++) {
            $watch->quietly(static function (): void {
                throw new \Error('a table is missing');
            });
        }
        self::assertSame(['Upline: a change could not be noted'], $this->shop->log);
    }

    public function testDeadlockOfAnOpenTransactionIsHandedOn(): void
    {
        $deadlock = static function (): void {
            throw new DeadlockException('1213 Deadlock found when trying to get lock; try restarting transaction');
        };
        $watch = $this->shop->watch($this->references);
        $watch->quietly($deadlock);
        self::assertCount(1, $this->shop->log, 'a statement of its own: nobody else lost anything');
        $this->shop->inTransaction = true;
        $this->expectException(DeadlockException::class);
        $watch->quietly($deadlock);
    }

    public function testVisitIsTakenIntoTheCartOnceARequest(): void
    {
        $cookie = json_encode(['f' => ['ana', $this->shop->now - 9, '/'], 'l' => ['ben', $this->shop->now - 5, '/']]);
        $visit = $this->visit($cookie, 'frontend');
        $visit->keep($this->cart(70));
        $visit->keep($this->cart(70));
        $visit->keep($this->cart(71));
        self::assertSame([[70, ['ana', 'ben']], [71, ['ana', 'ben']]], $this->references->calls);
    }

    public function testVisitOfAnAdminOrOfNobodyIsNotTheBuyers(): void
    {
        $cookie = json_encode(['l' => ['ben', $this->shop->now - 5, '/']]);
        foreach (['adminhtml', 'crontab', null] as $area) {
            $this->visit($cookie, $area)->keep($this->cart(70));
        }
        $this->visit(null, 'frontend')->keep($this->cart(70));
        $this->visit('garbage', 'frontend')->keep($this->cart(70));
        $this->visit($cookie, 'frontend')->keep($this->cart(0));
        $this->shop->settings['upline_commission/attribution/enabled@1'] = '0';
        $this->visit($cookie, 'frontend')->keep($this->cart(70));
        self::assertSame([], $this->references->calls);
        unset($this->shop->settings['upline_commission/attribution/enabled@1']);
        foreach (['webapi_rest', 'graphql'] as $area) {
            $this->visit($cookie, $area)->keep($this->cart(70));
        }
        self::assertCount(2, $this->references->calls);
    }

    private function visit(?string $cookie, ?string $area): Visit
    {
        $cookies = new class ($cookie) implements CookieManagerInterface {
            public function __construct(private ?string $cookie)
            {
            }

            public function getCookie($name, $default = null)
            {
                return $name === 'upline_ref' ? $this->cookie : $default;
            }
        };
        return new Visit(
            $cookies,
            $this->references,
            $this->shop->config,
            $this->shop->websites,
            new AppState($area),
            $this->shop->clock
        );
    }

    private function cart(int $id): CartInterface
    {
        return new class ($id) implements CartInterface {
            public function __construct(private int $id)
            {
            }

            public function getId()
            {
                return $this->id;
            }

            public function getStoreId()
            {
                return 1;
            }
        };
    }
}
