<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Model;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Upline\Commission\Domain\Signature;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Outbox;
use Upline\Commission\Model\Request;
use Upline\Commission\Model\Response;

class SenderTest extends TestCase
{
    private Shop $shop;

    protected function setUp(): void
    {
        $this->shop = new Shop();
        $this->shop->connect();
    }

    public function testSendsSignedSnapshotAndMarksItDelivered(): void
    {
        $this->shop->order(7);
        self::assertSame(1, $this->shop->sender->drain(50.0));
        self::assertSame([1 => Outbox::DELIVERED], $this->shop->statuses());
        $request = $this->shop->sent[0];
        self::assertSame('https://upline.example.com/webhooks/magento/shop', $request->url);
        self::assertSame('', Signature::fault(
            ['ups_shop'],
            $request->headers['webhook-id'],
            $request->headers['webhook-timestamp'],
            $request->headers['webhook-signature'],
            $request->body,
            $this->shop->now
        ));
        $body = $this->shop->body(0);
        self::assertSame('evt_1', $request->headers['webhook-id']);
        self::assertSame(['order.snapshot', 'evt_1', 1, 'order.created', 'https://shop.example.com', '7'], [
            $body['type'], $body['event_id'], $body['sequence'], $body['cause'], $body['site'], $body['order']['id'],
        ]);
        self::assertSame(32, strlen($body['install_id']));
        self::assertSame(0, $this->shop->sender->drain(50.0));
    }

    public function testNothingIsSentOfATransactionThatIsStillOpen(): void
    {
        $this->shop->order(7);
        $this->shop->inTransaction = true;
        self::assertSame(0, $this->shop->sender->flush([7]));
        self::assertSame([], $this->shop->sent);
        $this->shop->inTransaction = false;
        self::assertSame(1, $this->shop->sender->flush([7]));
    }

    public function testManyChangesOfAnOrderAreOneSnapshotUnderTheNewestSequence(): void
    {
        $this->shop->order(7);
        $this->shop->order(7, Outbox::UPDATED);
        $this->shop->order(7, Outbox::REFUNDED);
        self::assertSame(1, $this->shop->sender->drain(50.0));
        self::assertCount(1, $this->shop->sent);
        self::assertSame(3, $this->shop->body(0)['sequence']);
        self::assertSame([1 => 'delivered', 2 => 'delivered', 3 => 'delivered'], $this->shop->statuses());
    }

    public function testDeletedOrderIsATombstone(): void
    {
        $this->shop->order(7);
        unset($this->shop->orders[7]);
        $this->shop->outbox->add(7, 1, Outbox::DELETED);
        $this->shop->sender->drain(50.0);
        self::assertSame(['id' => '7', 'deleted' => true], $this->shop->body(0)['order']);
        self::assertSame(1, $this->shop->toldRows[7]['gone']);
    }

    public function testRetryKeepsItsIdAndIsSignedAnew(): void
    {
        $this->shop->order(7);
        $this->shop->answer = static fn (Request $request, int $n): Response => new Response($n === 0 ? 503 : 200);
        $this->shop->sender->drain(50.0);
        self::assertSame([1 => Outbox::PENDING], $this->shop->statuses());
        $this->shop->now += 9;
        self::assertSame(0, $this->shop->sender->drain(50.0), 'ten seconds are not over');
        $this->shop->now += 5;
        self::assertSame(1, $this->shop->sender->drain(50.0));
        self::assertSame($this->shop->sent[0]->headers['webhook-id'], $this->shop->sent[1]->headers['webhook-id']);
        self::assertNotSame($this->shop->sent[0]->headers['webhook-timestamp'], $this->shop->sent[1]->headers['webhook-timestamp']);
        self::assertSame($this->shop->sent[0]->body, $this->shop->sent[1]->body);
    }

    /**
     * The server may have taken the first attempt although its answer was lost: other content needs another sequence.
     */
    public function testRetryOfAnOrderThatChangedUnseenHasASequenceOfItsOwn(): void
    {
        $this->shop->order(7);
        $this->shop->answer = static fn (Request $request, int $n): Response => new Response($n === 0 ? 0 : 200);
        $this->shop->sender->drain(50.0);
        $this->shop->orders[7]['order']['status'] = 'changed_by_sql';
        $this->shop->now += 60;
        self::assertSame(1, $this->shop->sender->drain(50.0));
        self::assertSame([1, 2], [$this->shop->body(0)['sequence'], $this->shop->body(1)['sequence']]);
        self::assertNotSame($this->shop->body(0)['event_id'], $this->shop->body(1)['event_id']);
        self::assertSame([1 => 'delivered', 2 => 'delivered'], $this->shop->statuses());
    }

    /**
     * @return array<string, array{int}>
     */
    public static function refusals(): array
    {
        return ['400' => [400], '413' => [413], '422' => [422]];
    }

    /**
     * @dataProvider refusals
     * @param int $status
     */
    #[DataProvider('refusals')]
    public function testWhatTheServerCannotTakeIsParkedWithItsWordsAndTheRestGoesOn(int $status): void
    {
        $this->shop->order(7);
        $this->shop->order(8);
        $this->shop->answer = static fn (Request $request): Response => str_contains($request->body, '"id":"7"')
            ? new Response($status, 'order', 'this cannot be read')
            : new Response(200);
        self::assertSame(1, $this->shop->sender->drain(50.0));
        self::assertSame([1 => 'parked', 2 => 'delivered'], $this->shop->statuses());
        self::assertSame($status . ': this cannot be read', $this->shop->rows[1]['error']);
        $this->shop->now += 86400;
        self::assertSame(0, $this->shop->sender->drain(50.0), 'it is not sent again by itself');
        $this->shop->answer = static fn (): Response => new Response(200);
        $this->shop->order(7, Outbox::UPDATED);
        self::assertSame(1, $this->shop->sender->drain(50.0), 'but with the order\'s next change');
        self::assertSame([1 => 'delivered', 2 => 'delivered', 3 => 'delivered'], $this->shop->statuses());
    }

    public function testOrderThatCannotBeToldIsParkedAndTheRestGoesOn(): void
    {
        $this->shop->order(7);
        $this->shop->orders[7]['items'][0]['base_row_total'] = 'NaN';
        $this->shop->order(8);
        self::assertSame(1, $this->shop->sender->drain(50.0));
        self::assertSame([1 => 'parked', 2 => 'delivered'], $this->shop->statuses());
        self::assertStringContainsString('NaN', $this->shop->rows[1]['error']);
    }

    /**
     * @return array<string, array{int, string, string}>
     */
    public static function strangers(): array
    {
        return [
            'wrong secret' => [401, 'webhook-signature', 'unknown'], 'forbidden' => [403, '', 'unknown'],
            'no such store' => [404, '', 'unknown'], 'gone' => [410, '', 'unknown'], 'a copy' => [403, 'site', 'another_site'],
        ];
    }

    /**
     * @dataProvider strangers
     * @param int $status
     * @param string $field
     * @param string $reason
     */
    #[DataProvider('strangers')]
    public function testServerThatDoesNotKnowUsPausesTheConnection(int $status, string $field, string $reason): void
    {
        for ($id = 1; $id <= 20; $id++) {
            $this->shop->order($id);
        }
        $this->shop->answer = static fn (): Response => new Response($status, $field, 'no');
        self::assertSame(0, $this->shop->sender->drain(50.0));
        self::assertCount(8, $this->shop->sent, 'what was on the way, and no more');
        self::assertSame(Connection::PAUSED, $this->shop->connection->hindrance());
        self::assertSame($reason, $this->shop->connection->state('pause_reason'));
        self::assertSame(['pending'], array_values(array_unique($this->shop->statuses())));
        self::assertSame(0, $this->shop->rows[20]['attempts'], 'what was not sent has not been tried');
        $this->shop->answer = static fn (): Response => new Response(200);
        $this->shop->now += 901;
        self::assertSame(20, $this->shop->sender->drain(50.0));
        self::assertNull($this->shop->connection->state('pause_reason'));
    }

    public function testDeadServerIsAskedOnceAMinute(): void
    {
        for ($id = 1; $id <= 100; $id++) {
            $this->shop->order($id);
        }
        $this->shop->answer = static fn (): Response => new Response(0, '', 'timed out');
        $this->shop->sender->drain(50.0);
        $before = count($this->shop->sent);
        self::assertSame(8, $before);
        self::assertSame(Connection::CIRCUIT, $this->shop->connection->hindrance());
        self::assertSame(0, $this->shop->sender->flush([100]), 'no shopper\'s process waits for it');
        for ($minute = 1; $minute <= 3; $minute++) {
            $this->shop->now += 61;
            self::assertSame(0, $this->shop->sender->flush([100]));
            $this->shop->sender->drain(50.0);
            self::assertCount($before + $minute, $this->shop->sent);
        }
        $this->shop->answer = static fn (): Response => new Response(200);
        $this->shop->now += 21600 * 2;
        self::assertSame(100, $this->shop->sender->drain(50.0), 'nothing was lost');
        self::assertSame(['delivered'], array_values(array_unique($this->shop->statuses())));
    }

    public function testRetryAfterIsHonoured(): void
    {
        $this->shop->order(7);
        $this->shop->answer = static fn (Request $r, int $n): Response => new Response($n === 0 ? 429 : 200, '', '', '120');
        $this->shop->sender->drain(50.0);
        $this->shop->now += 119;
        self::assertSame(0, $this->shop->sender->drain(50.0));
        $this->shop->now += 2;
        self::assertSame(1, $this->shop->sender->drain(50.0));
        self::assertSame(0, $this->shop->connection->circuit()->failures, 'a server that says later is not dead');
    }

    public function testWrongClockIsTakenOverAndTheCallRepeatedAtOnce(): void
    {
        $this->shop->order(7);
        $this->shop->answer = function (Request $request): Response {
            $off = abs((int) $request->headers['webhook-timestamp'] - ($this->shop->now + 7200));
            return $off > 300
                ? new Response(401, 'webhook-timestamp', '', '', ['server_time' => gmdate('c', $this->shop->now + 7200)])
                : new Response(200);
        };
        self::assertSame(1, $this->shop->sender->drain(50.0));
        self::assertCount(2, $this->shop->sent);
        self::assertSame('7200', $this->shop->connection->state('clock_offset'));
        $this->shop->order(8);
        $this->shop->sender->drain(50.0);
        self::assertCount(3, $this->shop->sent, 'the next call is on time');
    }

    public function testCopyOfTheShopSendsNothing(): void
    {
        $this->shop->order(7);
        $this->shop->baseUrl = 'https://staging.example.com/';
        self::assertSame(0, $this->shop->sender->drain(50.0));
        self::assertSame([], $this->shop->sent);
        self::assertSame(Connection::ANOTHER_SITE, $this->shop->connection->hindrance());
    }

    public function testWebsiteWithAConnectionOfItsOwnIsToldThere(): void
    {
        $this->shop->connect(2, 'second');
        $this->shop->order(7, Outbox::CREATED, 1);
        $this->shop->order(8, Outbox::CREATED, 2);
        self::assertSame(2, $this->shop->sender->drain(50.0));
        $urls = array_column($this->shop->sent, 'url');
        sort($urls);
        self::assertSame(
            ['https://upline.example.com/webhooks/magento/second', 'https://upline.example.com/webhooks/magento/shop'],
            $urls
        );
    }

    public function testConnectionOfADeletedWebsiteStopsNoOther(): void
    {
        $this->shop->state->set(3, ['store_id' => 'gone', 'secret' => '0:3:x', 'base_url' => 'https://gone.example/']);
        $this->shop->order(7);
        self::assertSame(1, $this->shop->sender->drain(50.0));
        $this->shop->order(8);
        self::assertSame(1, $this->shop->sender->flush([8]));
        self::assertCount(2, $this->shop->sent);
    }

    /**
     * Two stores at Upline that were both told of an order would both pay for it.
     */
    public function testOrdersOfADeletedWebsiteStayWithTheStoreThatHasThem(): void
    {
        $this->shop->connect(2, 'other');
        $this->shop->order(7, Outbox::CREATED, 2);
        self::assertSame(1, $this->shop->sender->drain(50.0));
        self::assertSame(2, $this->shop->told->rows([7])[7]['website_id']);
        foreach ([7, 8] as $id) { // The website is deleted; Magento leaves its orders without a store view.
            $this->shop->order($id, Outbox::UPDATED, 0);
            $this->shop->orders[$id]['order']['website_id'] = '0';
        }
        $all = $this->shop->websites->of($this->shop->connection->of(0));
        self::assertNull($this->shop->sender->current(7, $all));
        self::assertSame('8', $this->shop->sender->current(8, $all)['order']['id']);
        self::assertSame(1, $this->shop->sender->drain(50.0));
        self::assertStringEndsWith('/shop', $this->shop->sent[1]->url);
        self::assertContains(Outbox::PARKED, $this->shop->statuses());
    }

    /**
     * Two stores at Upline that were both told of an order would both pay for it.
     */
    public function testIntegrationOfAWebsiteReadsItsOwnOrdersAlone(): void
    {
        $this->shop->connect(2, 'other');
        $this->shop->connection->of(2)->remember([Connection::INTEGRATION => 9]);
        $this->shop->order(7);
        $this->shop->order(8, Outbox::CREATED, 2);
        $all = $this->shop->connection->calledBy(0);
        $own = $this->shop->connection->calledBy(9);
        self::assertSame([0, 2, 0], [$all->websiteId(), $own->websiteId(), $this->shop->connection->calledBy(5)->websiteId()]);
        self::assertSame([[0, 1], [2]], [$this->shop->websites->of($all), $this->shop->websites->of($own)]);
        self::assertSame([[0, 1], [2, 20]], [$this->shop->websites->stores([0, 1]), $this->shop->websites->stores([2])]);
        self::assertNull($this->shop->sender->current(8, $this->shop->websites->of($all)));
        self::assertNull($this->shop->sender->current(7, $this->shop->websites->of($own)));
        self::assertSame('8', $this->shop->sender->current(8, $this->shop->websites->of($own))['order']['id']);
        $this->shop->settings['upline_commission/general/enabled@2'] = '0';
        self::assertSame([[2], []], [$this->shop->websites->of($own), $this->shop->websites->toldBy($own)]);
    }

    public function testWebsiteThatIsSwitchedOffKeepsItsRows(): void
    {
        $this->shop->order(7, Outbox::CREATED, 2);
        $this->shop->settings['upline_commission/general/enabled@2'] = '0';
        self::assertSame(0, $this->shop->sender->drain(50.0));
        unset($this->shop->settings['upline_commission/general/enabled@2']);
        self::assertSame(1, $this->shop->sender->drain(50.0));
    }

    public function testCurrentRepeatsWhatWasToldAndTakesASequenceForWhatWasNot(): void
    {
        $this->shop->order(7);
        $this->shop->sender->drain(50.0);
        $clean = $this->shop->sender->current(7, [0, 1]);
        self::assertSame([1, 'evt_1', 'resent'], [$clean['sequence'], $clean['event_id'], $clean['cause']]);
        $this->shop->orders[7]['order']['status'] = 'changed_by_sql';
        $dirty = $this->shop->sender->current(7, [0, 1]);
        self::assertSame([2, 'evt_2'], [$dirty['sequence'], $dirty['event_id']]);
        self::assertSame(2, $this->shop->sender->current(7, [0, 1])['sequence'], 'it is clean now');
        self::assertNull($this->shop->sender->current(8, [0, 1]));
    }

    public function testShopRestoredFromABackupGoesOnAboveWhatTheServerKnows(): void
    {
        $this->shop->sequence->raise(5000);
        $this->shop->order(7);
        $this->shop->sender->drain(50.0);
        self::assertSame(5001, $this->shop->body(0)['sequence']);
        $this->shop->sequence->raise(10);
        $this->shop->order(7, Outbox::UPDATED);
        $this->shop->sender->drain(50.0);
        self::assertSame(5002, $this->shop->body(1)['sequence']);
    }

    public function testTablesMadeAnewGoOnAboveWhatWasToldBefore(): void
    {
        $this->shop->state->set(0, ['sequence_offset' => null]);
        $this->shop->order(7);
        $this->shop->sender->drain(50.0);
        $this->shop->now += 50;
        $this->shop->order(7, Outbox::UPDATED);
        $this->shop->sender->drain(50.0);
        self::assertSame([1795218601, 1795218602], [$this->shop->body(0)['sequence'], $this->shop->body(1)['sequence']]);
    }

    public function testBundleKeepsTheSkuThatWasToldFirst(): void
    {
        $this->shop->order(7);
        $this->shop->orders[7]['items'][0]['own_sku'] = 'BUN';
        $this->shop->sender->drain(50.0);
        $id = $this->shop->orders[7]['items'][0]['item_id'];
        self::assertSame([$id => 'BUN'], json_decode($this->shop->toldRows[7]['known'], true));
    }

    public function testFaultOfOurOwnGivesEverythingBack(): void
    {
        $this->shop->order(7);
        $this->shop->answer = static function (): Response {
            throw new \RuntimeException('no memory');
        };
        self::assertSame(0, $this->shop->sender->flush([7]));
        self::assertSame([1 => Outbox::PENDING], $this->shop->statuses());
        self::assertSame('no memory', $this->shop->rows[1]['error']);
        self::assertCount(1, $this->shop->log);
    }

    public function testSecretIsKeptEncryptedAndEndsWithTheConnection(): void
    {
        self::assertSame('ups_shop', $this->shop->connection->get('secret'));
        self::assertStringNotContainsString('ups_shop', (string) json_encode($this->shop->state->all));
        $this->shop->connection->close();
        self::assertFalse($this->shop->connection->isConnected());
        self::assertSame(Connection::NOT_CONNECTED, $this->shop->connection->hindrance());
        $this->shop->order(7);
        self::assertSame(0, $this->shop->sender->drain(50.0));
        $this->shop->connect();
        self::assertSame(1, $this->shop->sender->drain(50.0), 'the outbox stays');
    }
}
