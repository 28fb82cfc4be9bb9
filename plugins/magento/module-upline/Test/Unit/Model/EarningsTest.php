<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Model;

use Magento\Framework\App\CacheInterface;
use PHPUnit\Framework\TestCase;
use Upline\Commission\Domain\Circuit;
use Upline\Commission\Model\Earnings;
use Upline\Commission\Model\Response;

class EarningsTest extends TestCase
{
    public function testCustomersWaitForNoServerThatIsAway(): void
    {
        $shop = new Shop();
        $shop->connect();
        $shop->answer = static fn (): Response => new Response(200, data: ['distributor' => ['link' => '/r/ana']]);
        $connection = $shop->connection->of(0);
        $connection->remember(['failures' => Circuit::FAILURES, 'probe_at' => $shop->now + 30]);
        $earnings = new Earnings($shop->server, $shop->connection, $shop->stores, $this->cache());
        self::assertFalse($earnings->isDistributor(5));
        self::assertNull($earnings->of(5));
        self::assertSame([], $shop->sent);
        $connection->remember(['failures' => null, 'probe_at' => null]);
        self::assertTrue($earnings->isDistributor(6));
        self::assertSame(['distributor' => ['link' => '/r/ana']], $earnings->of(6));
        self::assertCount(1, $shop->sent, 'the second answer is the first one, kept for a minute');
    }

    private function cache(): CacheInterface
    {
        return new class implements CacheInterface {
            /**
             * @var array<string, string>
             */
            private array $held = [];

            public function load($identifier)
            {
                return $this->held[$identifier] ?? false;
            }

            public function save($data, $identifier, $tags = [], $lifeTime = null)
            {
                $this->held[$identifier] = $data;
                return true;
            }
        };
    }
}
